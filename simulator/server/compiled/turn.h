/* What the files of the compiled turn share: limits, types, and the functions between them.

   A Layout (layout.c) is what devices of a kind share: address maps and buffers.  A Station (station.c) is what
   one connection sees: which device, a row of a layout, stands behind a unit id.  Lanes (lanes.c) are the sockets
   of an epoll that are served here: streams (streams.c) and datagrams (datagrams.c), whose bytes framing.c cuts
   into requests for request.c.

   The one rule: a request is answered here only when the answer is surely the one Python would give.  Everything
   else goes to Python, whole and in order: an unknown unit, a broadcast, another function code, every exception, a
   bad header, a wrong CRC, a write that a rule concerns.  A turn holds the GIL (it is short, and the buffers are
   Python's), calls no Python code while it holds a pointer into a lane, and believes no number it has not checked:
   not a client's, not an array's.  Without this module everything works, only slower. */

#ifndef MODSIM_TURN_H
#define MODSIM_TURN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* recvmmsg, sendmmsg */
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum {
    HEADER = 7,                          /* MBAP with the unit id, TCP V1.0b 3.1.3 */
    MIN_LENGTH = 2,                      /* unit id and function code */
    MAX_PDU = 253,                       /* V1.1b3 4.1 */
    MAX_LENGTH = 1 + MAX_PDU,            /* unit id and PDU */
    MAX_ADU = 6 + MAX_LENGTH,
    RTU_OVERHEAD = 3,                    /* unit id and CRC, V1.02 2.5.1 */
    SHORTEST_PDU = 5,                    /* of a request answered here */
    CHUNK = 8192,                        /* bytes of one read, as in connection.py */
    RECEIVED = MAX_ADU + CHUNK,          /* an incomplete ADU and a read after it */
    ANSWERED = (RECEIVED / (SHORTEST_PDU + RTU_OVERHEAD) + 1) * MAX_ADU,
    MAX_DATAGRAM = 1500,                 /* bytes taken of one, as in datagram.py */
    MAX_REPLY = (MAX_DATAGRAM / (SHORTEST_PDU + HEADER) + 1) * MAX_ADU, /* to one datagram */
    DATAGRAMS = 64,                      /* at most in one turn, as in datagram.py */
    MAX_EVENTS = 1024,
    MAX_FD = 1 << 24,
    TABLES = 4,                          /* coils, discrete inputs, input registers, holding registers */
};

enum { COILS, DISCRETE_INPUTS, INPUT_REGISTERS, HOLDING_REGISTERS };

static inline unsigned word(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }


/* ---- devices --------------------------------------------------------------------------------------------- */

/* One table.  `columns` and `stops` have `addresses` items; `open_stops` has `open_addresses`, 0 for no writes. */
typedef struct {
    const int32_t *columns, *stops, *open_stops;
    size_t addresses, open_addresses;
    uint8_t *cells;
    size_t size;
    Py_buffer views[4];
} Table;

typedef struct {
    PyObject_HEAD
    Table tables[TABLES];
    uint64_t *requests;
    const uint8_t *aside; /* by row, NULL when no device ever is: not 0 sends its requests to Python */
    size_t rows;
    uint32_t codes; /* a bit for each function code answered here */
    Py_buffer view, aside_view;
} Layout;

/* One device: its row, and the byte offset of the row in the buffer of each table. */
typedef struct {
    Layout *layout;
    size_t row;
    size_t bases[TABLES];
} Entry;

/* The devices after the first, found by unit id: `places[unit]` is 1 + the index in `entries`, 0 for none. */
typedef struct {
    uint16_t places[256];
    unsigned count, room;
    Entry entries[];
} More;

typedef struct {
    PyObject_HEAD
    unsigned long long answered, lost; /* requests; datagrams the kernel did not take */
    bool rtu; /* the framing; MBAP when false */
    uint64_t *heard; /* what the bus counts, NULL when there is none */
    Py_buffer heard_view;
    int unit; /* of `first`; -1 when there is none */
    Entry first;
    More *more;
} Station;

extern PyTypeObject Layout_type, Station_type, Lanes_type;

/* A buffer of one dimension with items of one format; -1 with an exception for any other. */
int view_of(PyObject *object, Py_buffer *view, int flags, Py_ssize_t itemsize, const char *format);

static inline const Entry *entry_of(const Station *self, uint8_t unit)
{
    if (self->unit == unit)
        return &self->first;
    if (self->more != NULL && self->more->places[unit])
        return &self->more->entries[self->more->places[unit] - 1];
    return NULL;
}

/* The length of the PDU written to `out`, at most MAX_PDU, or 0 when the request is Python's. */
size_t answer(Station *station, uint8_t unit, const uint8_t *pdu, size_t size, uint8_t *out);


/* ---- framing --------------------------------------------------------------------------------------------- */

/* What was done with a chunk: `answered` bytes are written; of what was received, from `left` to `tail` is
   Python's and from `tail` on stands the beginning of an ADU. */
typedef struct {
    size_t answered, left, tail;
} Cut;

void prepare_framing(void); /* once, before the first is cut */

/* Cut a chunk into ADUs and answer them until one is Python's; from there on all complete ones are. */
Cut cut_mbap(Station *station, const uint8_t *data, size_t size, uint8_t *out);

/* The same for RTU, where everything from the first byte on that is Python's is: `tail` is `size`. */
Cut cut_rtu(Station *station, const uint8_t *data, size_t size, uint8_t *out);

/* The same for a datagram: everything from `left` on is Python's. */
Cut cut_datagram(Station *station, const uint8_t *data, size_t size, uint8_t *out);


/* ---- sockets --------------------------------------------------------------------------------------------- */

/* One socket, not armed while `station` is NULL.  `tail` is the beginning of an ADU, owned, NULL when empty.  A lane
   on hold is Python's until it is released.  `places`, NULL for most, is a dictionary: on a socket of many local
   addresses, the station of each; `station` then only counts what is lost. */
typedef struct {
    Station *station;
    PyObject *places;
    double seen;
    uint8_t *tail;
    unsigned tail_size;
    bool datagrams, held;
} Lane;

typedef struct Post Post; /* the buffers of datagrams */

typedef struct {
    PyObject_HEAD
    int epoll;
    bool turning;
    Lane *lanes; /* by file descriptor */
    size_t count;
    Post *post;
    struct epoll_event events[MAX_EVENTS];
    uint8_t received[RECEIVED];
    uint8_t answers[ANSWERED];
} Lanes;

/* Take what one socket has; what is left for Python goes to `list`.  -1 with an exception when there is no memory.
   `lane` may move once Python objects are made: they come last. */
int serve_stream(Lanes *self, Lane *lane, int fd, double now, PyObject *list);
int serve_datagrams(Lanes *self, Lane *lane, int fd, double now, PyObject *list);

Post *new_post(void); /* NULL with an exception when there is no memory */

/* Items of the list for Python.  Nothing was read; or bytes were, whose answers wait behind `answers`.  `sender` is a
   new reference or, on a connection, NULL. */
int tell_events(PyObject *list, int fd, uint32_t events);
int tell_rest(PyObject *list, int fd, const uint8_t *data, size_t size, const uint8_t *answers, size_t waiting,
              PyObject *sender);

#endif
