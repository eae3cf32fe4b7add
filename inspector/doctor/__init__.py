"""What this machine has, what it lacks, and how to get it.

Looks only: makes no folder, opens no camera, downloads nothing. What other modules know (ONNX Runtime's providers, the
cameras found) comes in as arguments, so that this package needs nothing but the standard library to load.

    examination  looks at the machine, and at what ONNX Runtime and OpenCV do here
    report       what was found, how it is told, and which packages are installed
"""
