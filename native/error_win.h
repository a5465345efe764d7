#ifndef BINDPORT_ERROR_WIN_H_
#define BINDPORT_ERROR_WIN_H_

namespace bindport {

// libuv's number for an error of Winsock or of the system.
int TranslateError(int error);

}  // namespace bindport

#endif  // BINDPORT_ERROR_WIN_H_
