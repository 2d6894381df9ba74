/* Layout: the address maps, buffers and counters that devices of a kind share. */

#include "turn.h"

#include <string.h>

int view_of(PyObject *object, Py_buffer *view, int flags, Py_ssize_t itemsize, const char *format)
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
    PyBuffer_Release(&self->aside_view);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *layout_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *specs[TABLES], *requests, *aside = Py_None;
    const char *codes;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "(OOOO)Oy#|O", &specs[0], &specs[1], &specs[2], &specs[3], &requests, &codes, &length,
                          &aside))
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
    if (aside != Py_None && view_of(aside, &self->aside_view, PyBUF_SIMPLE, 1, "B") < 0)
        goto failed;
    if (aside != Py_None && (size_t)self->aside_view.len < self->rows) {
        PyErr_SetString(PyExc_ValueError, "aside has fewer rows than requests");
        goto failed;
    }
    self->aside = self->aside_view.buf;
    for (Py_ssize_t index = 0; index < length; index++)
        if ((unsigned char)codes[index] < 32)
            self->codes |= UINT32_C(1) << codes[index];
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

PyDoc_STRVAR(layout_doc,
             "Layout(tables, requests, codes, aside=None)\n--\n\n"
             "What devices of a kind share.\n\n"
             "``tables`` are coils, discrete inputs, input registers and holding registers, each None or a tuple\n"
             "(columns, stops, open_stops, buffer): arrays of type 'i' as in an AddressMap; open_stops, what stops is\n"
             "for writes no rule concerns, or None when Python does all of them; the buffer.  ``requests`` is an array\n"
             "of type 'Q', by row.  ``codes`` are the function codes to answer.  ``aside`` holds a byte for each row;\n"
             "while it is not 0 Python answers for the device.  The buffers stay exported.");

PyTypeObject Layout_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "simulator.server._turn.Layout",
    .tp_basicsize = sizeof(Layout),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = layout_doc,
    .tp_new = layout_new,
    .tp_dealloc = (destructor)layout_dealloc,
};
