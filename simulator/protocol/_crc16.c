/* The CRC of RTU frames for Python: a pure function. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "crc16.h"

static PyObject *crc16_of(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "got %zd arguments, expected 1 or 2", count);
    long crc = count == 2 ? PyLong_AsLong(args[1]) : CRC16_START;
    if (crc < 0 || crc > 0xFFFF) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_ValueError, "CRC is %ld, expected 0 to 65535", crc);
        return NULL;
    }
    Py_buffer data;
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    crc = (long)crc16(data.buf, (size_t)data.len, (unsigned)crc);
    PyBuffer_Release(&data);
    return PyLong_FromLong(crc);
}

static PyMethodDef functions[] = {
    {"crc16", (PyCFunction)(void (*)(void))crc16_of, METH_FASTCALL,
     "crc16(data, crc=0xFFFF, /)\n--\n\nThe CRC-16/Modbus of ``data``, going on from ``crc``."},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *Py_UNUSED(module))
{
    crc16_prepare();
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, prepare}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_crc16",
    .m_doc = "The CRC of RTU frames, compiled.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__crc16(void) { return PyModuleDef_Init(&definition); }
