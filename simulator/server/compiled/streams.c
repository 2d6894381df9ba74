/* A connection: one read, the answers in one write. */

#include "turn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Keep the beginning of an ADU, in place of what was kept before. */
static int keep_tail(Lane *lane, const uint8_t *data, size_t size)
{
    if (size == 0) {
        PyMem_Free(lane->tail);
        lane->tail = NULL;
    } else if (lane->tail == NULL && (lane->tail = PyMem_Malloc(MAX_ADU)) == NULL) {
        PyErr_NoMemory();
        return -1;
    } else {
        memcpy(lane->tail, data, size);
    }
    lane->tail_size = (unsigned)size;
    return 0;
}

int serve_stream(Lanes *self, Lane *lane, int fd, double now, PyObject *list)
{
    if (lane->tail_size)
        memcpy(self->received, lane->tail, lane->tail_size);
    ssize_t got = recv(fd, self->received + lane->tail_size, CHUNK, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : tell_events(list, fd, EPOLLERR);
    if (got == 0)
        return tell_events(list, fd, EPOLLIN); /* the end of the stream, where Python will find it too */
    lane->seen = now;
    size_t size = lane->tail_size + (size_t)got;
    Cut done = (lane->station->rtu ? cut_rtu : cut_mbap)(lane->station, self->received, size, self->answers);
    if (keep_tail(lane, self->received + done.tail, size - done.tail) < 0)
        return -1;
    if (done.left < done.tail) {
        lane->held = lane->station->rtu; /* Python's framer has begun, and says when it has come to an end */
        return tell_rest(list, fd, self->received + done.left, done.tail - done.left, self->answers, done.answered,
                         NULL);
    }
    if (done.answered == 0)
        return 0;
    ssize_t sent = send(fd, self->answers, done.answered, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken == done.answered)
        return 0;
    return tell_rest(list, fd, NULL, 0, self->answers + taken, done.answered - taken, NULL);
}
