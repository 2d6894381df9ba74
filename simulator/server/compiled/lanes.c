/* Lanes: which sockets of an epoll are served here, and the turn that serves them. */

#include "turn.h"

#include <errno.h>
#include <string.h>

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

static PyObject *lanes_arm(Lanes *self, PyObject *args)
{
    int fd, datagrams = 0;
    Station *station;
    PyObject *places = Py_None;
    if (!PyArg_ParseTuple(args, "iO!|pO", &fd, &Station_type, &station, &datagrams, &places))
        return NULL;
    if (places != Py_None && !PyDict_CheckExact(places)) {
        PyErr_SetString(PyExc_TypeError, "places are a dictionary or None");
        return NULL;
    }
    if (fd < 0 || fd >= MAX_FD)
        return PyErr_Format(PyExc_ValueError, "descriptor is %d, expected 0 to %d", fd, MAX_FD - 1);
    if (datagrams && self->post == NULL && (self->post = new_post()) == NULL)
        return NULL;
    if (grow(self, (size_t)fd + 1) < 0)
        return NULL;
    Lane *lane = &self->lanes[fd];
    lane->datagrams = datagrams;
    lane->held = false;
    PyObject *before[] = {(PyObject *)lane->station, lane->places};
    lane->station = (Station *)Py_NewRef(station);
    lane->places = places == Py_None ? NULL : Py_NewRef(places);
    Py_XDECREF(before[0]);
    Py_XDECREF(before[1]);
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
    PyObject *held[] = {(PyObject *)lane->station, lane->places};
    PyMem_Free(lane->tail);
    *lane = (Lane){0};
    Py_DECREF(held[0]);
    Py_XDECREF(held[1]);
    return tail;
}

static PyObject *lanes_release(Lanes *self, PyObject *argument)
{
    Lane *lane = lane_named(self, argument);
    if (lane == NULL && PyErr_Occurred())
        return NULL;
    if (lane != NULL)
        lane->held = false;
    Py_RETURN_NONE;
}

static PyObject *lanes_seen(Lanes *self, PyObject *argument)
{
    Lane *lane = lane_named(self, argument);
    if (lane == NULL && PyErr_Occurred())
        return NULL;
    return PyFloat_FromDouble(lane ? lane->seen : 0.0);
}

/* An item of the list for Python. */
static int tell(PyObject *list, int fd, uint32_t events, PyObject *data, PyObject *answers, PyObject *sender)
{
    PyObject *item = data && answers ? Py_BuildValue("iIOOO", fd, events, data, answers, sender) : NULL;
    int failed = item == NULL || PyList_Append(list, item) < 0;
    Py_XDECREF(item);
    return failed ? -1 : 0;
}

int tell_events(PyObject *list, int fd, uint32_t events)
{
    return tell(list, fd, events, Py_None, Py_None, Py_None);
}

int tell_rest(PyObject *list, int fd, const uint8_t *data, size_t size, const uint8_t *answers, size_t waiting,
              PyObject *sender)
{
    PyObject *rest = PyBytes_FromStringAndSize((const char *)data, (Py_ssize_t)size);
    PyObject *unsent = PyBytes_FromStringAndSize((const char *)answers, (Py_ssize_t)waiting);
    int failed = tell(list, fd, EPOLLIN, rest, unsent, sender ? sender : Py_None);
    Py_XDECREF(rest);
    Py_XDECREF(unsent);
    Py_XDECREF(sender);
    return failed;
}

static int serve(Lanes *self, int fd, uint32_t events, double now, PyObject *list)
{
    Lane *lane = lane_of(self, fd);
    if (lane == NULL || lane->held)
        return tell_events(list, fd, events);
    if (lane->datagrams)
        return events & EPOLLIN ? serve_datagrams(self, lane, fd, now, list) : tell_events(list, fd, events);
    if ((events & (EPOLLIN | EPOLLOUT)) == EPOLLIN)
        return serve_stream(self, lane, fd, now, list);
    if (events & EPOLLOUT)
        events &= ~(uint32_t)EPOLLIN; /* what came in is taken here, next turn */
    return tell_events(list, fd, events);
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
    for (int index = 0; index < ready && !failed; index++)
        failed = serve(self, self->events[index].data.fd, self->events[index].events, now, list);
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
        Py_XDECREF(self->lanes[fd].places);
    }
    PyMem_Free(self->lanes);
    PyMem_Free(self->post);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef lanes_methods[] = {
    {"arm", (PyCFunction)lanes_arm, METH_VARARGS,
     "arm(fd, station, datagrams=False, places=None)\n--\n\n"
     "Serve a socket here; all that a connection has brought must have been answered.\n\n"
     "``places`` is for a socket of datagrams on many addresses that has the kernel tell which of them was asked: the\n"
     "stations by local address, as bytes.  ``station`` then only counts what is lost."},
    {"release", (PyCFunction)lanes_release, METH_O,
     "release(fd)\n--\n\n"
     "Serve an RTU connection again after it had data for Python: all it has brought is answered."},
    {"disarm", (PyCFunction)lanes_disarm, METH_O,
     "disarm(fd)\n--\n\nServe it no longer, always before it is closed; returns the beginning of an ADU it kept."},
    {"seen", (PyCFunction)lanes_seen, METH_O, "seen(fd)\n--\n\nThe ``now`` of the turn that last received bytes, or 0."},
    {"turn", (PyCFunction)lanes_turn, METH_VARARGS,
     "turn(max_events, now)\n--\n\n"
     "Serve what is ready; return what is left to do as tuples (fd, events, data, answers, sender).\n\n"
     "With data None nothing was read: ``events`` are Python's to look at.  Else ``answers`` are not sent yet, and\n"
     "``data``, whole ADUs that follow them or a lost stream, is not answered yet.  ``sender`` is, for a\n"
     "datagram, where it came from and the local address it came to, b\"\" when nobody tells; None on a connection.\n"
     "An RTU connection that had data is Python's until ``release``."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Lanes_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Lanes",
    .tp_basicsize = sizeof(Lanes),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Lanes(epoll_fd)\n--\n\nThe sockets of an epoll that are served here: the armed ones.",
    .tp_new = lanes_new,
    .tp_dealloc = (destructor)lanes_dealloc,
    .tp_methods = lanes_methods,
};
