/* A datagram socket: many datagrams in one read, their answers in one write, each to where its request came from.

   What Python has to answer comes back with the address of its sender.  The datagrams of that sender that came after
   it in the same turn do, too, so that each client's requests are carried out in order.  Where the kernel tells which
   local address was asked (packet information, ip(7), ipv6(7)), the answer leaves from that address. */

#include "turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ARENA = 2 * MAX_REPLY, /* answers that leave together */
    CONTROL = CMSG_SPACE(sizeof(struct in6_pktinfo)),
    MAX_PLACE = 16, /* bytes of a local address */
};

typedef union {
    struct cmsghdr head; /* for its alignment */
    uint8_t bytes[CONTROL];
} Control;

struct Post {
    struct mmsghdr in[DATAGRAMS], out[DATAGRAMS];
    struct iovec pieces[DATAGRAMS], replies[DATAGRAMS];
    struct sockaddr_storage peers[DATAGRAMS];
    Control asked[DATAGRAMS], from[DATAGRAMS];
    unsigned left[DATAGRAMS]; /* the datagrams that are Python's, in order */
    size_t sending, used;
    uint8_t received[DATAGRAMS][MAX_DATAGRAM];
    uint8_t answers[ARENA];
};

/* A local address; `size` is 0 when nobody told it. */
typedef struct {
    uint8_t bytes[MAX_PLACE];
    unsigned size;
} Place;

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

static int receive(Post *post, int fd, bool many_places)
{
    for (int index = 0; index < DATAGRAMS; index++) {
        struct msghdr *head = &post->in[index].msg_hdr;
        head->msg_namelen = sizeof(struct sockaddr_storage);
        head->msg_control = many_places ? &post->asked[index] : NULL;
        head->msg_controllen = many_places ? sizeof(Control) : 0;
    }
    return recvmmsg(fd, post->in, DATAGRAMS, MSG_DONTWAIT, NULL);
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

/* The address that was asked. */
static Place place_asked(struct msghdr *head)
{
    Place place = {.size = 0};
    for (struct cmsghdr *fact = CMSG_FIRSTHDR(head); fact != NULL; fact = CMSG_NXTHDR(head, fact)) {
        if (fact->cmsg_level == IPPROTO_IP && fact->cmsg_type == IP_PKTINFO) {
            place.size = sizeof(struct in_addr);
            memcpy(place.bytes, CMSG_DATA(fact) + offsetof(struct in_pktinfo, ipi_spec_dst), place.size);
        } else if (fact->cmsg_level == IPPROTO_IPV6 && fact->cmsg_type == IPV6_PKTINFO) {
            place.size = sizeof(struct in6_addr);
            memcpy(place.bytes, CMSG_DATA(fact) + offsetof(struct in6_pktinfo, ipi6_addr), place.size);
        }
    }
    return place;
}

/* Let an answer leave from the address that was asked, through any interface. */
static void leave_from(struct msghdr *reply, Control *control, const Place *place)
{
    bool four = place->size == sizeof(struct in_addr);
    size_t size = four ? sizeof(struct in_pktinfo) : sizeof(struct in6_pktinfo);
    memset(control, 0, sizeof *control);
    control->head.cmsg_level = four ? IPPROTO_IP : IPPROTO_IPV6;
    control->head.cmsg_type = four ? IP_PKTINFO : IPV6_PKTINFO;
    control->head.cmsg_len = CMSG_LEN(size);
    size_t at = four ? offsetof(struct in_pktinfo, ipi_spec_dst) : offsetof(struct in6_pktinfo, ipi6_addr);
    memcpy(CMSG_DATA(&control->head) + at, place->bytes, place->size);
    reply->msg_control = control;
    reply->msg_controllen = CMSG_SPACE(size);
}

static void reply_to(Post *post, unsigned index, size_t size, const Place *place)
{
    struct msghdr *reply = &post->out[post->sending].msg_hdr;
    post->replies[post->sending] = (struct iovec){post->answers + post->used, size};
    reply->msg_name = &post->peers[index];
    reply->msg_namelen = post->in[index].msg_hdr.msg_namelen;
    reply->msg_control = NULL;
    reply->msg_controllen = 0;
    if (place->size)
        leave_from(reply, &post->from[post->sending], place);
    post->used += size;
    post->sending++;
}

/* Who answers: a borrowed reference, NULL when that is Python's to say. */
static Station *station_at(PyObject *places, const Place *place)
{
    PyObject *key = PyBytes_FromStringAndSize((const char *)place->bytes, place->size);
    PyObject *found = key == NULL ? NULL : PyDict_GetItemWithError(places, key);
    Py_XDECREF(key);
    PyErr_Clear(); /* no memory for the key: Python has the datagram, and its own troubles */
    return found != NULL && Py_IS_TYPE(found, &Station_type) ? (Station *)found : NULL;
}

/* Where a datagram came from, as Python's sockets have it, and where it came to; NULL with an exception. */
static PyObject *sender_of(const struct sockaddr_storage *peer, const Place *place)
{
    char text[INET6_ADDRSTRLEN];
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)peer;
        inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
        return Py_BuildValue("(si)y#", text, (int)ntohs(four->sin_port), place->bytes, (Py_ssize_t)place->size);
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)peer;
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    return Py_BuildValue("(siII)y#", text, (int)ntohs(six->sin6_port), ntohl(six->sin6_flowinfo), six->sin6_scope_id,
                         place->bytes, (Py_ssize_t)place->size);
}

static int tell_datagram(PyObject *list, int fd, const Post *post, unsigned index, Cut done, const Place *place)
{
    int family = post->peers[index].ss_family;
    if (family != AF_INET && family != AF_INET6)
        return 0; /* from no address: there is nobody to answer */
    PyObject *sender = sender_of(&post->peers[index], place);
    if (sender == NULL)
        return -1;
    return tell_rest(list, fd, post->received[index] + done.left, post->in[index].msg_len - done.left,
                     post->answers + post->used, done.answered, sender);
}

static bool same_peer(const struct msghdr *one, const struct msghdr *other)
{
    return one->msg_namelen == other->msg_namelen && memcmp(one->msg_name, other->msg_name, one->msg_namelen) == 0;
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
    PyObject *places = Py_XNewRef(lane->places);
    Station *counting = (Station *)Py_NewRef(lane->station); /* whatever becomes of the lane while objects are made */
    int got = receive(post, fd, places != NULL), failed = 0; /* less than 1: an ICMP error about an earlier answer */
    unsigned waiting = 0;
    lane->seen = now;
    for (unsigned index = 0; (int)index < got && !failed; index++) {
        size_t size = post->in[index].msg_len;
        Place place = place_asked(&post->in[index].msg_hdr);
        Station *station = places == NULL ? counting : station_at(places, &place);
        Cut done = {0, 0, size};
        if (ARENA - post->used < MAX_REPLY)
            post_off(post, fd, counting);
        if (station != NULL && !is_behind(post, index, waiting))
            done = cut_datagram(station, post->received[index], size, post->answers + post->used);
        if (done.left < size || station == NULL) {
            post->left[waiting++] = index;
            failed = tell_datagram(list, fd, post, index, done, &place);
        } else if (done.answered) {
            reply_to(post, index, done.answered, &place);
        }
    }
    post_off(post, fd, counting);
    Py_DECREF(counting);
    Py_XDECREF(places);
    return failed;
}
