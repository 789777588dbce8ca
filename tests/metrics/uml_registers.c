/* Lets User Mode Linux run on processors that it does not know, such as those with AMX. It sets a task's registers by as
 * many bytes as it has room for; the host's kernel wants all of them or refuses ("ptrace set fp regs failed"). This
 * library, loaded before libc, takes those that User Mode Linux leaves out as they are.
 * Source: xstateregs_set() in arch/x86/kernel/fpu/regset.c. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { kRegistersMax = 64 << 10 };

typedef long (*Ptrace)(int request, int process, void *address, void *data);

long ptrace(enum __ptrace_request request, ...) {
  static Ptrace real;
  if (!real) real = (Ptrace)dlsym(RTLD_NEXT, "ptrace");
  va_list arguments;
  va_start(arguments, request);
  int process = va_arg(arguments, int);
  void *address = va_arg(arguments, void *);
  void *data = va_arg(arguments, void *);
  va_end(arguments);
  if ((int)request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE) {
    static char registers[kRegistersMax];
    const struct iovec *given = data;
    struct iovec all = {registers, sizeof registers};
    if (real(PTRACE_GETREGSET, process, address, &all) == 0 && given->iov_len < all.iov_len) {
      memcpy(registers, given->iov_base, given->iov_len);
      return real(request, process, address, &all);
    }
  }
  return real(request, process, address, data);
}
