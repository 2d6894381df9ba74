/* A datagram socket: many datagrams in one read, their answers in one write, each to where its request came from.

   What Python has to answer comes back with the address of its sender.  The datagrams of that sender that came after
   it in the same turn do, too, so that each client's requests are carried out in order. */

#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { ARENA = 2 * MAX_REPLY }; /* answers that leave together */

struct Post {
    struct mmsghdr in[DATAGRAMS], out[DATAGRAMS];
    struct iovec pieces[DATAGRAMS], replies[DATAGRAMS];
    struct sockaddr_storage peers[DATAGRAMS];
    unsigned left[DATAGRAMS]; /* the datagrams that are Python's, in order */
    size_t sending, used;
    uint8_t received[DATAGRAMS][MAX_DATAGRAM];
    uint8_t answers[ARENA];
};

Post *new_post(void)
{
    Post *post = PyMem_Calloc(1, sizeof(Post));
    if (post == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (int index = 0; index < DATAGRAMS; index++) {
        post->pieces[index] = (struct iovec){post->received[index], MAX_DATAGRAM};
        post->in[index].msg_hdr.msg_iov = &post->pieces[index];
        post->in[index].msg_hdr.msg_iovlen = 1;
        post->in[index].msg_hdr.msg_name = &post->peers[index];
        post->out[index].msg_hdr.msg_iov = &post->replies[index];
        post->out[index].msg_hdr.msg_iovlen = 1;
    }
    return post;
}

/* Send what has been collected; a datagram that the kernel does not take is lost. */
static void post_off(Post *post, int fd, Station *station)
{
    size_t sent = 0;
    while (sent < post->sending) {
        int taken = sendmmsg(fd, post->out + sent, (unsigned)(post->sending - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken > 0) {
            sent += (size_t)taken;
        } else if (taken == 0 || errno != EINTR) {
            station->lost++;
            sent++;
        }
    }
    post->sending = post->used = 0;
}

static bool same_peer(const struct msghdr *one, const struct msghdr *other)
{
    return one->msg_namelen == other->msg_namelen && memcmp(one->msg_name, other->msg_name, one->msg_namelen) == 0;
}

/* The address as Python's sockets have it; NULL with an exception, or without one for an address of another kind. */
static PyObject *address_of(const struct sockaddr_storage *peer)
{
    char text[INET6_ADDRSTRLEN];
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)peer;
        inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
        return Py_BuildValue("si", text, (int)ntohs(four->sin_port));
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    return Py_BuildValue("siII", text, (int)ntohs(six->sin6_port), ntohl(six->sin6_flowinfo), six->sin6_scope_id);
}

static int tell_datagram(PyObject *list, int fd, const Post *post, unsigned index, size_t from, const uint8_t *answers,
                         size_t waiting)
{
    int family = post->peers[index].ss_family;
    if (family != AF_INET && family != AF_INET6)
        return 0; /* from no address: there is nobody to answer */
    PyObject *peer = address_of(&post->peers[index]);
    int failed = tell_rest(list, fd, post->received[index] + from, post->in[index].msg_len - from, answers, waiting, peer);
    Py_XDECREF(peer);
    return failed;
}

/* True when an earlier datagram of the same sender is Python's. */
static bool is_behind(const Post *post, unsigned index, unsigned waiting)
{
    for (unsigned place = 0; place < waiting; place++)
        if (same_peer(&post->in[index].msg_hdr, &post->in[post->left[place]].msg_hdr))
            return true;
    return false;
}

int serve_datagrams(Lanes *self, Lane *lane, int fd, double now, PyObject *list)
{
    Post *post = self->post;
    Station *station = lane->station;
    for (int index = 0; index < DATAGRAMS; index++)
        post->in[index].msg_hdr.msg_namelen = sizeof(struct sockaddr_storage);
    int got = recvmmsg(fd, post->in, DATAGRAMS, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0; /* nothing, or an ICMP error about an earlier answer */
    lane->seen = now;
    Py_INCREF(station); /* whatever becomes of the lane while objects are made */
    unsigned waiting = 0;
    int failed = 0;
    for (unsigned index = 0; index < (unsigned)got && !failed; index++) {
        size_t size = post->in[index].msg_len;
        Cut done = {0, 0, size};
        if (waiting == 0 || !is_behind(post, index, waiting)) {
            if (ARENA - post->used < MAX_REPLY)
                post_off(post, fd, station);
            done = cut_datagram(station, post->received[index], size, post->answers + post->used);
        }
        if (done.left < size) {
            post->left[waiting++] = index;
            failed = tell_datagram(list, fd, post, index, done.left, post->answers + post->used, done.answered);
        } else if (done.answered) {
            post->replies[post->sending] = (struct iovec){post->answers + post->used, done.answered};
            struct msghdr *reply = &post->out[post->sending++].msg_hdr;
            reply->msg_name = &post->peers[index];
            reply->msg_namelen = post->in[index].msg_hdr.msg_namelen;
            post->used += done.answered;
        }
    }
    post_off(post, fd, station);
    Py_DECREF(station);
    return failed;
}
