// The third platform interface: a port that only chosen programs can bind. Implemented by
// guard_linux.cc, or by guard_other.cc, where everything is UV_ENOTSUP.
#ifndef BINDPORT_GUARD_H_
#define BINDPORT_GUARD_H_

#include <memory>
#include <vector>

#include "socket.h"

namespace bindport {

class Guard;

// What kept a guard from looking at a program: the system call and its negative error number.
struct GuardFailure {
  const char* syscall = nullptr;
  int error = 0;
};

// Takes duplicates of bound TCP sockets of one port, which keep the port until CloseGuard. Fails
// with a negative error number, and then leaves `guard` empty.
int OpenGuard(const std::vector<Descriptor>& sockets, std::shared_ptr<Guard>* guard);

// Closes the duplicates. From then on the programs' calls are the kernel's affair alone.
void CloseGuard(Guard* guard);

// The last failure, or none: its syscall is null.
GuardFailure FailureOf(Guard* guard);

// Starts a thread that answers the calls of one program, until the program and all that descend
// from it have ended, or this process has. Returns the descriptor over which launcher_linux.c,
// given it by its number, sends the calls' descriptor.
Descriptor Supervise(const std::shared_ptr<Guard>& guard);

}  // namespace bindport

#endif  // BINDPORT_GUARD_H_
