/*
 * dsdt - the board, for guests that ask ACPI. The numbers are layout.h's.
 */
DefinitionBlock ("", "DSDT", 2, "VMTOOL", "VMTOOL", 1)
{
    /* The sleep type poweroff writes to the sleep control register. */
    Name (_S5, Package () { 5, 0, 0, 0 })

    Scope (_SB)
    {
        /* The PCI host bridge. Its functions' windows are set before the guest starts. */
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_SEG, 0)
            Name (_BBN, 0)
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0, 0, 1)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xD0000000, 0xDFFFFFFF, 0, 0x10000000)
            })
        }

        /* Linux uses ECAM only where a motherboard resource covers it. */
        Device (MBRD)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadWrite, 0xE0000000, 0x00100000)
            })
        }

        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x03F8, 0x03F8, 1, 8)
                IRQNoFlags () { 4 }
            })
        }

        /* A hardware-reduced machine has no fixed power button: the interrupt is the button. */
        Device (PWRB)
        {
            Name (_HID, EisaId ("PNP0C0C"))
        }

        Device (GEDV)
        {
            Name (_HID, "ACPI0013")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 5 }
            })
            Method (_EVT, 1, Serialized)
            {
                Notify (PWRB, 0x80)
            }
        }

        /* Which life of the guest this is: 16 bytes of memory (vmm/seed). Linux knows it by _HID, others
           by _CID and _DDN. What they look for is no proper ID, which iasl lets only a method say. */
        Device (VGEN)
        {
            Method (_HID)
            {
                Return ("VMGENCTR")
            }
            Method (_CID)
            {
                Return ("VM_Gen_Counter")
            }
            Name (_DDN, "VM_Gen_Counter")
            Name (ADDR, Package () { 0x000DF000, 0 })
        }

        Device (PEVT)
        {
            Name (_HID, "QEMU0001")
            Name (_STA, 0x0F)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x0505, 0x0505, 1, 1)
            })
        }
    }
}
