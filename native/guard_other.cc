// Systems on which a process can't answer another one's system calls.
#include "guard.h"

namespace bindport {

class Guard {};

int OpenGuard(const std::vector<Descriptor>&, std::shared_ptr<Guard>*) { return UV_ENOTSUP; }

void CloseGuard(Guard*) {}

GuardFailure FailureOf(Guard*) { return {}; }

Descriptor Supervise(const std::shared_ptr<Guard>&) { return UV_ENOTSUP; }

}  // namespace bindport
