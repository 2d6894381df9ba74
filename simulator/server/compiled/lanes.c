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


