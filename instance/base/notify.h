/* sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/** Send `READY=1` and the like; does nothing when no service manager listens. */
void notify_send(const char *text);

#endif
