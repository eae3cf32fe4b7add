"""Pure drawing: one inspection becomes one picture that a person at the line understands at a glance.

From the whole to its parts:

    picture      the image in a frame of the verdict's colour, or a plate where there is no image
    marks        what is strange about the part, on its image
    banner       what stands above it
    heat         which colour means how strange
    lettering    text on a picture
"""
