# start - the first instructions of a bare guest, and of each further processor.
#
# The boot processor comes as a kernel is entered by its 64-bit entry: flat segments, paging on, RSI at the boot
# parameters. Others come in real mode, at the page that the INIT's SIPI named: ap_code is copied there.

	.text
	.globl start
start:
	lea	stack_end(%rip), %rsp
	mov	%rsi, %rdi
	call	bare_main
1:	cli
	hlt
	jmp	1b

	.balign	16
	.globl fault_stubs
fault_stubs:
	.set	vector, 0
	.rept	256
	.balign	16
	mov	$vector, %edi
	jmp	fault
	.set	vector, vector + 1
	.endr
fault:
	mov	%rsp, %rsi
	and	$-16, %rsp
	call	bare_fault

	.equ	AP_PAGE, 0x60000

	.code16
	.globl ap_code, ap_code_end
ap_code:
	cli
	mov	$AP_PAGE >> 4, %ax
	mov	%ax, %ds
	lgdtl	ap_gdt_pointer - ap_code
	mov	$1, %eax		# CR0.PE
	mov	%eax, %cr0
	ljmpl	$8, $AP_PAGE + ap_32 - ap_code

	.code32
ap_32:
	mov	$16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x20, %eax		# CR4.PAE
	mov	%eax, %cr4
	mov	AP_PAGE + ap_cr3 - ap_code, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx	# EFER.LME
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	$0x80000001, %eax	# CR0.PG, PE
	mov	%eax, %cr0
	ljmpl	$24, $AP_PAGE + ap_64 - ap_code

	.code64
ap_64:
	mov	AP_PAGE + ap_stack - ap_code, %rsp
	mov	AP_PAGE + ap_main - ap_code, %rax
	call	*%rax
1:	cli
	hlt
	jmp	1b

	.balign	8
ap_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	# 8: code of 32 bits
	.quad	0x00cf93000000ffff	# 16: data
	.quad	0x00af9b000000ffff	# 24: code of 64 bits
ap_gdt_pointer:
	.word	4 * 8 - 1
	.long	AP_PAGE + ap_gdt - ap_code
	.balign	8
	.globl ap_cr3, ap_stack, ap_main
ap_cr3:	.quad	0
ap_stack: .quad	0
ap_main: .quad	0
ap_code_end:

	.bss
	.balign	16
	.space	32768
stack_end:

	.section .note.GNU-stack, "", @progbits
