/* The process that holds a Pod's namespaces: it waits, in a few hundred bytes and without a library. 34 is pause(2). */
void _start(void)
{
    for (;;)
        __asm__ volatile("syscall" : : "a"(34L) : "rcx", "r11", "memory");
}
