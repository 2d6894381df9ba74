/* The compiled turn: answers the plain requests of every connection that is ready.

   Three types.  A Layout is what devices of a kind share: address maps and buffers.  A Station is what one
   connection sees: which device, a row of a layout, stands behind a unit id.  Lanes are the connections of an
   epoll that are served here; `turn` takes what has arrived, answers and sends.

   The one rule: a request is answered here only when the answer is surely the one Python would give.  Everything
   else goes to Python, whole and in order: an unknown unit, another function code, every exception, a bad header,
   a write that a rule concerns.  A turn holds the GIL (it is short, and the buffers are Python's), calls no Python
   code while it holds a pointer into a lane, and believes no number it has not checked: not a client's, not an
   array's.  Without this module everything works, only slower. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    HEADER = 7,                          /* MBAP with the unit id, TCP V1.0b 3.1.3 */
    MIN_LENGTH = 2,                      /* unit id and function code */
    MAX_LENGTH = 254,                    /* unit id and PDU, V1.1b3 4.1 */
    MAX_ADU = 6 + MAX_LENGTH,
    MIN_ANSWERED = 12,                   /* the shortest request answered here */
    CHUNK = 8192,                        /* bytes of one read, as in connection.py */
    RECEIVED = MAX_ADU + CHUNK,          /* an incomplete ADU and a read after it */
    ANSWERED = (RECEIVED / MIN_ANSWERED + 1) * MAX_ADU,
    MAX_EVENTS = 1024,
    MAX_FD = 1 << 24,
    TABLES = 4,                          /* coils, discrete inputs, input registers, holding registers */
};

/* V1.1b3 6.1 to 6.4, 6.11, 6.12 */
enum { MAX_READ_BITS = 2000, MAX_READ_REGISTERS = 125, MAX_WRITE_BITS = 1968, MAX_WRITE_REGISTERS = 123 };

static unsigned word(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }


/* ---- Layout ---------------------------------------------------------------------------------------------- */

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
    const uint8_t *muted; /* by row, NULL when no device ever is: not 0 sends its requests to Python */
    size_t rows;
    uint32_t codes; /* a bit for each function code answered here */
    Py_buffer view, muted_view;
} Layout;

static int view_of(PyObject *object, Py_buffer *view, int flags, Py_ssize_t itemsize, const char *format)
{
    if (PyObject_GetBuffer(object, view, flags | PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    if (view->itemsize == itemsize && view->ndim == 1 && strcmp(view->format ? view->format : "B", format) == 0)
        return 0;
    PyErr_Format(PyExc_TypeError, "buffer has items of format %s, expected %s", view->format ? view->format : "B",
                 format);
    PyBuffer_Release(view);
    return -1;
}

/* `spec` is (columns, stops, open_stops or None, buffer) */
static int table_of(PyObject *spec, Table *table)
{
    PyObject *columns, *stops, *open_stops, *cells;
    if (!PyTuple_Check(spec)) {
        PyErr_SetString(PyExc_TypeError, "a table is a tuple or None");
        return -1;
    }
    if (!PyArg_ParseTuple(spec, "OOOO;a table is (columns, stops, open_stops, buffer)", &columns, &stops, &open_stops,
                          &cells))
        return -1;
    if (view_of(columns, &table->views[0], PyBUF_SIMPLE, sizeof(int32_t), "i") < 0 ||
        view_of(stops, &table->views[1], PyBUF_SIMPLE, sizeof(int32_t), "i") < 0 ||
        view_of(cells, &table->views[3], PyBUF_WRITABLE, 1, "B") < 0)
        return -1;
    if (open_stops != Py_None && view_of(open_stops, &table->views[2], PyBUF_SIMPLE, sizeof(int32_t), "i") < 0)
        return -1;
    if (table->views[0].len != table->views[1].len) {
        PyErr_SetString(PyExc_ValueError, "columns and stops differ in length");
        return -1;
    }
    table->columns = table->views[0].buf;
    table->stops = table->views[1].buf;
    table->open_stops = table->views[2].buf;
    table->cells = table->views[3].buf;
    table->addresses = (size_t)table->views[0].len / sizeof(int32_t);
    table->open_addresses = open_stops == Py_None ? 0 : (size_t)table->views[2].len / sizeof(int32_t);
    table->size = (size_t)table->views[3].len;
    return 0;
}

static void layout_dealloc(Layout *self)
{
    for (int index = 0; index < TABLES; index++)
        for (int view = 0; view < 4; view++)
            PyBuffer_Release(&self->tables[index].views[view]); /* nothing when there is none */
    PyBuffer_Release(&self->view);
    PyBuffer_Release(&self->muted_view);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *layout_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *specs[TABLES], *requests, *muted = Py_None;
    const char *codes;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "(OOOO)Oy#|O", &specs[0], &specs[1], &specs[2], &specs[3], &requests, &codes, &length,
                          &muted))
        return NULL;
    Layout *self = (Layout *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL)
        return NULL;
    for (int index = 0; index < TABLES; index++)
        if (specs[index] != Py_None && table_of(specs[index], &self->tables[index]) < 0)
            goto failed;
    if (view_of(requests, &self->view, PyBUF_WRITABLE, sizeof(uint64_t), "Q") < 0)
        goto failed;
    self->requests = self->view.buf;
    self->rows = (size_t)self->view.len / sizeof(uint64_t);
    if (muted != Py_None && view_of(muted, &self->muted_view, PyBUF_SIMPLE, 1, "B") < 0)
        goto failed;
    if (muted != Py_None && (size_t)self->muted_view.len < self->rows) {
        PyErr_SetString(PyExc_ValueError, "muted has fewer rows than requests");
        goto failed;
    }
    self->muted = self->muted_view.buf;
    for (Py_ssize_t index = 0; index < length; index++)
        if ((unsigned char)codes[index] < 32)
            self->codes |= UINT32_C(1) << codes[index];
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

PyDoc_STRVAR(layout_doc,
             "Layout(tables, requests, codes, muted=None)\n--\n\n"
             "What devices of a kind share.\n\n"
             "``tables`` are coils, discrete inputs, input registers and holding registers, each None or a tuple\n"
             "(columns, stops, open_stops, buffer): arrays of type 'i' as in an AddressMap; open_stops, what stops is\n"
             "for writes no rule concerns, or None when Python does all of them; the buffer.  ``requests`` is an array\n"
             "of type 'Q', by row.  ``codes`` are the function codes to answer.  ``muted`` holds a byte for each row;\n"
             "while it is not 0 Python answers for the device.  The buffers stay exported.");

static PyTypeObject Layout_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Layout",
    .tp_basicsize = sizeof(Layout),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = layout_doc,
    .tp_new = layout_new,
    .tp_dealloc = (destructor)layout_dealloc,
};


/* ---- Station --------------------------------------------------------------------------------------------- */

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
    unsigned long long answered;
    int unit; /* of `first`; -1 when there is none */
    Entry first;
    More *more;
} Station;

static Entry *entry_of(Station *self, uint8_t unit)
{
    if (self->unit == unit)
        return &self->first;
    if (self->more != NULL && self->more->places[unit])
        return &self->more->entries[self->more->places[unit] - 1];
    return NULL;
}

/* Room for the device of a unit that has none yet, or NULL with an exception. */
static Entry *new_entry(Station *self, uint8_t unit)
{
    if (self->unit < 0) {
        self->unit = unit;
        return &self->first;
    }
    unsigned count = self->more ? self->more->count : 0, room = self->more ? self->more->room : 0;
    if (count == room) {
        room = room ? 2 * room : 4;
        More *more = PyMem_Realloc(self->more, sizeof(More) + room * sizeof(Entry));
        if (more == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        if (self->more == NULL)
            memset(more, 0, sizeof(More));
        more->room = room;
        self->more = more;
    }
    self->more->places[unit] = (uint16_t)++self->more->count;
    return &self->more->entries[count];
}

static PyObject *station_put(Station *self, PyObject *args)
{
    unsigned char unit;
    Layout *layout;
    Py_ssize_t row, bases[TABLES];
    if (!PyArg_ParseTuple(args, "bO!n(nnnn)", &unit, &Layout_type, &layout, &row, &bases[0], &bases[1], &bases[2],
                          &bases[3]))
        return NULL;
    if (row < 0 || (size_t)row >= layout->rows)
        return PyErr_Format(PyExc_IndexError, "row is %zd, expected 0 to %zd", row, (Py_ssize_t)layout->rows - 1);
    for (int index = 0; index < TABLES; index++)
        if (bases[index] < 0)
            return PyErr_Format(PyExc_ValueError, "base is %zd, expected 0 or more", bases[index]);
    Entry *entry = entry_of(self, unit);
    Layout *before = entry ? entry->layout : NULL;
    if (entry == NULL && (entry = new_entry(self, unit)) == NULL)
        return NULL;
    entry->layout = (Layout *)Py_NewRef(layout);
    entry->row = (size_t)row;
    for (int index = 0; index < TABLES; index++)
        entry->bases[index] = (size_t)bases[index];
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyObject *station_clear(Station *self, PyObject *Py_UNUSED(none))
{
    More *more = self->more;
    Layout *first = self->unit < 0 ? NULL : self->first.layout;
    self->more = NULL;
    self->unit = -1;
    Py_XDECREF(first);
    if (more != NULL)
        for (unsigned index = 0; index < more->count; index++)
            Py_DECREF(more->entries[index].layout);
    PyMem_Free(more);
    Py_RETURN_NONE;
}

static PyObject *station_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    if (!PyArg_ParseTuple(args, ""))
        return NULL;
    Station *self = (Station *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->unit = -1;
    return (PyObject *)self;
}

static void station_dealloc(Station *self)
{
    Py_DECREF(station_clear(self, NULL));
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef station_methods[] = {
    {"put", (PyCFunction)station_put, METH_VARARGS,
     "put(unit, layout, row, bases)\n--\n\nAnswer for a unit from now on; ``bases`` are the byte offsets of its row."},
    {"clear", (PyCFunction)station_clear, METH_NOARGS, "clear()\n--\n\nForget every unit: Python is asked again."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef station_members[] = {
    {"answered", T_ULONGLONG, offsetof(Station, answered), READONLY, "The requests answered so far."},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject Station_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Station",
    .tp_basicsize = sizeof(Station),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Station()\n--\n\nWhich device stands behind a unit id; Python puts each in when it is first asked for.",
    .tp_new = station_new,
    .tp_dealloc = (destructor)station_dealloc,
    .tp_methods = station_methods,
    .tp_members = station_members,
};


/* ---- one request ----------------------------------------------------------------------------------------- */

enum { COILS, DISCRETE_INPUTS, INPUT_REGISTERS, HOLDING_REGISTERS };

/* Where a range begins in the device's row, or NULL when it does not exist as a whole, is not open to plain writes
   (`writing`) or would leave the buffer.  `shift` is the first bit's place in its byte. */
static uint8_t *place_of(const Entry *entry, int which, unsigned address, unsigned quantity, bool writing,
                         unsigned *shift)
{
    const Table *table = &entry->layout->tables[which];
    int stop = (int)(address + quantity);
    if (address >= table->addresses || stop > table->stops[address])
        return NULL;
    if (writing && (address >= table->open_addresses || stop > table->open_stops[address]))
        return NULL;
    if (table->columns[address] < 0)
        return NULL;
    size_t column = (size_t)table->columns[address], start, bytes;
    if (which <= DISCRETE_INPUTS) {
        *shift = column & 7;
        start = entry->bases[which] + (column >> 3);
        bytes = (*shift + quantity + 7) >> 3;
    } else {
        start = entry->bases[which] + 2 * column;
        bytes = 2 * (size_t)quantity;
    }
    if (start > table->size || bytes > table->size - start)
        return NULL;
    return table->cells + start;
}

static void copy_bits_out(uint8_t *to, const uint8_t *from, unsigned shift, unsigned quantity)
{
    unsigned bytes = (quantity + 7) >> 3, span = (shift + quantity + 7) >> 3;
    if (shift == 0) {
        memcpy(to, from, bytes);
    } else {
        for (unsigned index = 0; index + 1 < span; index++)
            to[index] = (uint8_t)(from[index] >> shift | from[index + 1] << (8 - shift));
        if (span == bytes)
            to[bytes - 1] = (uint8_t)(from[bytes - 1] >> shift);
    }
    if (quantity & 7)
        to[bytes - 1] &= (uint8_t)((1u << (quantity & 7)) - 1);
}

static void copy_bits_in(uint8_t *to, const uint8_t *from, unsigned shift, unsigned quantity)
{
    for (unsigned index = 0; 8 * index < quantity; index++) {
        unsigned width = quantity - 8 * index < 8 ? quantity - 8 * index : 8;
        unsigned mask = ((1u << width) - 1) << shift, bits = (unsigned)from[index] << shift & mask;
        to[index] = (uint8_t)((to[index] & ~mask) | bits);
        if (mask >> 8)
            to[index + 1] = (uint8_t)((to[index + 1] & ~(mask >> 8)) | bits >> 8);
    }
}

static size_t read_head(uint8_t *out, const uint8_t *adu, unsigned bytes)
{
    memcpy(out, adu, 8); /* transaction, protocol and length, unit and function code; the length follows */
    out[4] = 0;
    out[5] = (uint8_t)(bytes + 3);
    out[8] = (uint8_t)bytes;
    return 9 + bytes;
}

static size_t read_bits(const Entry *entry, int which, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned quantity = word(adu + 10), shift = 0;
    if (size != 12 || quantity < 1 || quantity > MAX_READ_BITS)
        return 0;
    const uint8_t *cells = place_of(entry, which, word(adu + 8), quantity, false, &shift);
    if (cells == NULL)
        return 0;
    copy_bits_out(out + 9, cells, shift, quantity);
    return read_head(out, adu, (quantity + 7) >> 3);
}

static size_t read_registers(const Entry *entry, int which, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned quantity = word(adu + 10), shift = 0;
    if (size != 12 || quantity < 1 || quantity > MAX_READ_REGISTERS)
        return 0;
    const uint8_t *cells = place_of(entry, which, word(adu + 8), quantity, false, &shift);
    if (cells == NULL)
        return 0;
    memcpy(out + 9, cells, 2 * quantity);
    return read_head(out, adu, 2 * quantity);
}

static size_t write_head(uint8_t *out, const uint8_t *adu)
{
    memcpy(out, adu, 12); /* the request, of several registers or coils its first five bytes */
    out[4] = 0;
    out[5] = 6;
    return 12;
}

static size_t write_single_coil(const Entry *entry, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned value = word(adu + 10), shift = 0;
    if (size != 12 || (value != 0xFF00 && value != 0))
        return 0;
    uint8_t *cells = place_of(entry, COILS, word(adu + 8), 1, true, &shift);
    if (cells == NULL)
        return 0;
    uint8_t bit = value != 0;
    copy_bits_in(cells, &bit, shift, 1);
    return write_head(out, adu);
}

static size_t write_single_register(const Entry *entry, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned shift = 0;
    uint8_t *cells = size != 12 ? NULL : place_of(entry, HOLDING_REGISTERS, word(adu + 8), 1, true, &shift);
    if (cells == NULL)
        return 0;
    memcpy(cells, adu + 10, 2);
    return write_head(out, adu);
}

static size_t write_multiple_coils(const Entry *entry, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned quantity = word(adu + 10), shift = 0, bytes = (quantity + 7) >> 3;
    if (size < 14 || quantity < 1 || quantity > MAX_WRITE_BITS || adu[12] != bytes || size != 13 + bytes)
        return 0;
    uint8_t *cells = place_of(entry, COILS, word(adu + 8), quantity, true, &shift);
    if (cells == NULL)
        return 0;
    copy_bits_in(cells, adu + 13, shift, quantity);
    return write_head(out, adu);
}

static size_t write_multiple_registers(const Entry *entry, const uint8_t *adu, size_t size, uint8_t *out)
{
    unsigned quantity = word(adu + 10), shift = 0;
    if (size < 14 || quantity < 1 || quantity > MAX_WRITE_REGISTERS || adu[12] != 2 * quantity ||
        size != 13 + 2 * (size_t)quantity)
        return 0;
    uint8_t *cells = place_of(entry, HOLDING_REGISTERS, word(adu + 8), quantity, true, &shift);
    if (cells == NULL)
        return 0;
    memcpy(cells, adu + 13, 2 * quantity);
    return write_head(out, adu);
}

/* The length of the answer written to `out`, at most MAX_ADU, or 0 when the request is Python's. */
static size_t answer(Station *station, const uint8_t *adu, size_t size, uint8_t *out)
{
    const Entry *entry = entry_of(station, adu[6]);
    unsigned code = adu[7];
    size_t length = 0;
    if (size < MIN_ANSWERED || entry == NULL || code >= 32 || !(entry->layout->codes >> code & 1))
        return 0;
    if (entry->layout->muted != NULL && entry->layout->muted[entry->row])
        return 0;
    switch (code) {
    case 1: length = read_bits(entry, COILS, adu, size, out); break;
    case 2: length = read_bits(entry, DISCRETE_INPUTS, adu, size, out); break;
    case 3: length = read_registers(entry, HOLDING_REGISTERS, adu, size, out); break;
    case 4: length = read_registers(entry, INPUT_REGISTERS, adu, size, out); break;
    case 5: length = write_single_coil(entry, adu, size, out); break;
    case 6: length = write_single_register(entry, adu, size, out); break;
    case 15: length = write_multiple_coils(entry, adu, size, out); break;
    case 16: length = write_multiple_registers(entry, adu, size, out); break;
    }
    if (length) {
        entry->layout->requests[entry->row]++;
        station->answered++;
    }
    return length;
}


/* ---- Lanes ----------------------------------------------------------------------------------------------- */

/* One connection, not armed while `station` is NULL.  `tail` is the beginning of an ADU, owned, NULL when empty. */
typedef struct {
    Station *station;
    double seen;
    uint8_t *tail;
    unsigned tail_size;
} Lane;

typedef struct {
    PyObject_HEAD
    int epoll;
    bool turning;
    Lane *lanes; /* by file descriptor */
    size_t count;
    struct epoll_event events[MAX_EVENTS];
    uint8_t received[RECEIVED];
    uint8_t answers[ANSWERED];
} Lanes;

static Lane *lane_of(Lanes *self, int fd)
{
    return fd >= 0 && (size_t)fd < self->count && self->lanes[fd].station ? &self->lanes[fd] : NULL;
}

static int grow(Lanes *self, size_t needed)
{
    size_t count = self->count ? self->count : 64;
    while (count < needed)
        count *= 2;
    if (count == self->count)
        return 0;
    Lane *lanes = PyMem_Realloc(self->lanes, count * sizeof(Lane));
    if (lanes == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(lanes + self->count, 0, (count - self->count) * sizeof(Lane));
    self->lanes = lanes;
    self->count = count;
    return 0;
}

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

static PyObject *lanes_arm(Lanes *self, PyObject *args)
{
    int fd;
    Station *station;
    if (!PyArg_ParseTuple(args, "iO!", &fd, &Station_type, &station))
        return NULL;
    if (fd < 0 || fd >= MAX_FD)
        return PyErr_Format(PyExc_ValueError, "descriptor is %d, expected 0 to %d", fd, MAX_FD - 1);
    if (grow(self, (size_t)fd + 1) < 0)
        return NULL;
    Py_INCREF(station);
    Py_XSETREF(self->lanes[fd].station, station);
    Py_RETURN_NONE;
}

/* The lane of the descriptor in `argument`, NULL when there is none or, with an exception, when it is no number. */
static Lane *lane_named(Lanes *self, PyObject *argument)
{
    long fd = PyLong_AsLong(argument);
    return fd < 0 || fd >= MAX_FD ? NULL : lane_of(self, (int)fd);
}

static PyObject *lanes_disarm(Lanes *self, PyObject *argument)
{
    Lane *lane = lane_named(self, argument);
    if (lane == NULL)
        return PyErr_Occurred() ? NULL : PyBytes_FromStringAndSize(NULL, 0);
    PyObject *tail = PyBytes_FromStringAndSize((char *)lane->tail, lane->tail_size);
    if (tail == NULL)
        return NULL;
    Station *station = lane->station;
    PyMem_Free(lane->tail);
    *lane = (Lane){0};
    Py_DECREF(station);
    return tail;
}

static PyObject *lanes_seen(Lanes *self, PyObject *argument)
{
    Lane *lane = lane_named(self, argument);
    if (lane == NULL && PyErr_Occurred())
        return NULL;
    return PyFloat_FromDouble(lane ? lane->seen : 0.0);
}

/* What was done with a chunk: `answered` bytes wait in `answers`; of `received`, from `left` to `tail` is Python's
   and from `tail` on stands the beginning of an ADU. */
typedef struct {
    size_t answered, left, tail;
} Cut;

/* Cut a chunk into ADUs and answer them until one is Python's; from there on all complete ones are. */
static Cut cut(Lanes *self, Station *station, size_t size)
{
    const uint8_t *data = self->received;
    Cut done = {0, 0, 0};
    bool plain = true;
    while (size - done.tail >= HEADER) {
        const uint8_t *adu = data + done.tail;
        unsigned length = word(adu + 4);
        if (word(adu + 2) != 0 || length < MIN_LENGTH || length > MAX_LENGTH) {
            done.tail = size; /* the stream is lost: Python says so and closes */
            break;
        }
        if (size - done.tail < 6 + length)
            break;
        done.tail += 6 + length;
        size_t bytes = plain ? answer(station, adu, 6 + length, self->answers + done.answered) : 0;
        if (bytes) {
            done.answered += bytes;
            done.left = done.tail;
        } else {
            plain = false;
        }
    }
    return done;
}

/* An item of the list for Python. */
static int tell(PyObject *list, int fd, uint32_t events, PyObject *data, PyObject *answers)
{
    PyObject *item = data && answers ? Py_BuildValue("iIOO", fd, events, data, answers) : NULL;
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return failed ? -1 : 0;
}

static int tell_events(PyObject *list, int fd, uint32_t events) { return tell(list, fd, events, Py_None, Py_None); }

static int tell_rest(PyObject *list, int fd, const uint8_t *data, size_t size, const uint8_t *answers, size_t waiting)
{
    PyObject *rest = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *unsent = PyBytes_FromStringAndSize((const char *)answers, (Py_ssize_t)waiting);
    int failed = tell(list, fd, EPOLLIN, rest, unsent);
    Py_XDECREF(rest);
    Py_XDECREF(unsent);
    return failed;
}

/* Take what one connection has.  `lane` may move once Python objects are made: they come last. */
static int serve(Lanes *self, Lane *lane, int fd, double now, PyObject *list)
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
    Cut done = cut(self, lane->station, size);
    if (keep_tail(lane, self->received + done.tail, size - done.tail) < 0)
        return -1;
    if (done.left < done.tail)
        return tell_rest(list, fd, self->received + done.left, done.tail - done.left, self->answers, done.answered);
    if (done.answered == 0)
        return 0;
    ssize_t sent = send(fd, self->answers, done.answered, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken == done.answered)
        return 0;
    return tell_rest(list, fd, NULL, 0, self->answers + taken, done.answered - taken);
}

static PyObject *lanes_turn(Lanes *self, PyObject *args)
{
    int most;
    double now;
    if (!PyArg_ParseTuple(args, "id", &most, &now))
        return NULL;
    if (most < 1 || most > MAX_EVENTS)
        return PyErr_Format(PyExc_ValueError, "max_events is %d, expected 1 to %d", most, MAX_EVENTS);
    if (self->turning) {
        PyErr_SetString(PyExc_RuntimeError, "a turn is under way");
        return NULL;
    }
    PyObject *list = PyList_New(0);
    if (list == NULL)
        return NULL;
    self->turning = true;
    int ready = epoll_wait(self->epoll, self->events, most, 0), failed = 0;
    if (ready < 0 && errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        failed = -1;
    }
    for (int index = 0; index < ready && !failed; index++) {
        int fd = self->events[index].data.fd;
        uint32_t events = self->events[index].events;
        Lane *lane = lane_of(self, fd);
        if (lane != NULL && (events & (EPOLLIN | EPOLLOUT)) == EPOLLIN)
            failed = serve(self, lane, fd, now, list);
        else if (lane != NULL && events & EPOLLOUT)
            failed = tell_events(list, fd, events & ~(uint32_t)EPOLLIN); /* what came in is taken here, next turn */
        else
            failed = tell_events(list, fd, events);
    }
    self->turning = false;
    if (failed)
        Py_CLEAR(list);
    return list;
}

static PyObject *lanes_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    int epoll;
    if (!PyArg_ParseTuple(args, "i", &epoll))
        return NULL;
    Lanes *self = (Lanes *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->epoll = epoll;
    return (PyObject *)self;
}

static void lanes_dealloc(Lanes *self)
{
    for (size_t fd = 0; fd < self->count; fd++) {
        PyMem_Free(self->lanes[fd].tail);
        Py_XDECREF(self->lanes[fd].station);
    }
    PyMem_Free(self->lanes);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef lanes_methods[] = {
    {"arm", (PyCFunction)lanes_arm, METH_VARARGS,
     "arm(fd, station)\n--\n\nServe a connection here; all of its stream must have been answered."},
    {"disarm", (PyCFunction)lanes_disarm, METH_O,
     "disarm(fd)\n--\n\nServe it no longer, always before it is closed; returns the beginning of an ADU it kept."},
    {"seen", (PyCFunction)lanes_seen, METH_O, "seen(fd)\n--\n\nThe ``now`` of the turn that last received bytes, or 0."},
    {"turn", (PyCFunction)lanes_turn, METH_VARARGS,
     "turn(max_events, now)\n--\n\n"
     "Serve what is ready; return what is left to do as tuples (fd, events, data, answers).\n\n"
     "With data None nothing was read: ``events`` are Python's to look at.  Else ``answers`` are not sent yet, and\n"
     "``data``, whole ADUs that follow them or a lost stream, is not answered yet."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject Lanes_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Lanes",
    .tp_basicsize = sizeof(Lanes),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Lanes(epoll_fd)\n--\n\nThe connections of an epoll that are served here: the armed ones.",
    .tp_new = lanes_new,
    .tp_dealloc = (destructor)lanes_dealloc,
    .tp_methods = lanes_methods,
};


/* ---- module ---------------------------------------------------------------------------------------------- */

static int add_types(PyObject *module)
{
    if (PyModule_AddType(module, &Layout_type) < 0 || PyModule_AddType(module, &Station_type) < 0 ||
        PyModule_AddType(module, &Lanes_type) < 0)
        return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_types}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_turn",
    .m_doc = "The compiled turn: answers the plain requests of every connection that is ready.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__turn(void) { return PyModuleDef_Init(&definition); }
