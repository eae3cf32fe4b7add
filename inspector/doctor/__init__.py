"""What this machine has, what it lacks, and how to get it.

Looks only: makes no folder, opens no camera, downloads nothing. What other modules know (ONNX Runtime's providers, the
cameras found) comes in as arguments, so that this package needs nothing but the standard library to load.

    examination  looks at everything
    machine      processor, memory, cameras, folders and disk
    packages     what is installed
    libraries    whether ONNX Runtime and OpenCV do here what a line needs
    report       what was found, and how it is told
"""
