/* Station: which device stands behind a unit id. */

#include "turn.h"

#include <string.h>
#include <structmember.h>

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
    Entry *entry = (Entry *)entry_of(self, unit);
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
    int rtu = 0;
    PyObject *heard = Py_None;
    if (!PyArg_ParseTuple(args, "|pO", &rtu, &heard))
        return NULL;
    Station *self = (Station *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL)
        return NULL;
    self->unit = -1;
    self->rtu = rtu;
    if (heard != Py_None && view_of(heard, &self->heard_view, PyBUF_WRITABLE, sizeof(uint64_t), "Q") < 0)
        goto failed;
    if (heard != Py_None && self->heard_view.len < (Py_ssize_t)sizeof(uint64_t)) {
        PyErr_SetString(PyExc_ValueError, "heard is empty, expected one item");
        goto failed;
    }
    self->heard = self->heard_view.buf;
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static void station_dealloc(Station *self)
{
    Py_DECREF(station_clear(self, NULL));
    PyBuffer_Release(&self->heard_view); /* nothing when there is none */
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
    {"lost", T_ULONGLONG, offsetof(Station, lost), READONLY, "The datagrams that could not be sent."},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(station_doc,
             "Station(rtu=False, heard=None)\n--\n\n"
             "Which device stands behind a unit id; Python puts each in when it is first asked for.\n\n"
             "Requests are framed as ``rtu``, else with MBAP.  ``heard`` is an array of type 'Q' whose first item\n"
             "counts every request answered, for a bus; it stays exported.");

PyTypeObject Station_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Station",
    .tp_basicsize = sizeof(Station),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = station_doc,
    .tp_new = station_new,
    .tp_dealloc = (destructor)station_dealloc,
    .tp_methods = station_methods,
    .tp_members = station_members,
};
