/* The compiled turn: answers the plain requests of every socket that is ready.  Its strategy stands in turn.h. */

#include "turn.h"

static int add_types(PyObject *module)
{
    prepare_framing();
    if (PyModule_AddType(module, &Layout_type) < 0 || PyModule_AddType(module, &Station_type) < 0 ||
        PyModule_AddType(module, &Lanes_type) < 0)
        return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, add_types}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_turn",
    .m_doc = "The compiled turn: answers the plain requests of every socket that is ready.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__turn(void) { return PyModuleDef_Init(&definition); }
