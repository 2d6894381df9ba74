"""The plant file: from YAML to a plan of devices and listeners, or to every problem at once.

==============  ===============================================================================
``loader``      read and check a plant file: ``load_plant(path) -> PlantConfig``
``plant``       the result: groups, limits, listeners; finds a device by name
``schema``      what the file may say; its JSON Schema for editors
``unsupported`` what the format knows and this version refuses
``groups``      one entry of ``devices``: schema, profile, values, names, places
``endpoint``    ``tcp://127.64.0.0/12:502`` as addresses and ports
``names``       name templates of groups; two devices of one name
``selection``   which devices a rule or a step is about; ``globs`` match patterns against name templates
``faults``      rules that make devices fail, with the devices they are about
``scenarios``   timelines, checked; ``timelines`` is what files say, ``steps`` what is ready to be done
``placement``   which device sits where: places of a group, spans behind a listener
``listening``   places of all groups to listeners; two devices on one place
``sharing``     what the groups behind one listener have to agree on
``clock``       pace and beginning of virtual time
``scripts``     Python files and modules, loaded before anything starts
``signals``     generators of the whole plant, in an order of computation
``allow``       networks whose clients are served
``security``    certificates and roles of ``tls://`` endpoints
``gateway``     a serial line between a listener and its devices
==============  ===============================================================================
"""
