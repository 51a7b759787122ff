# fmt                           format our C as .clang-format says

need_packages_for fmt
find src applets test -name '*.[ch]' -print0 | xargs -0 clang-format-14 -i
