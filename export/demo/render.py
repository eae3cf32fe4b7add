"""Lights and photographs a scene of the demo: relief, materials, camera.

Light is linear, 1 = the sensor's full scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from export.demo.scene import Colour, Field, Scene, Scratch, Shapes, Stain, band, box, inside, lay_out, local, ragged
from inspector.records import Image, Mask

CODE = np.array([0xAA, 0x8D, 0xB2, 0xD5, 0x9A, 0xCB, 0xA4, 0xFF], np.uint8)  # the mark's dots, a bit each
ALUMINIUM: Colour = (1.02, 1.0, 0.97)
VISIBLE = 5 / 255  # a smaller change of a displayed channel drowns in the sensor's noise


# ---- relief and light ----


def groove(scene: Scene, scratch: Scratch) -> Field:
    """Say how deep `scratch` has cut, 0 to 1: thin at its ends."""
    unit, fine = scene.size / 2, 16
    canvas = np.zeros((scene.size, scene.size), np.float32)
    turn = math.radians(scene.at.turn_deg)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    points = ((np.array(scratch.curve) @ matrix + (scene.at.x, scene.at.y) + 1) * unit - 0.5) * fine
    pairs = zip(points[:-1].round().astype(int).tolist(), points[1:].round().astype(int).tolist(), strict=True)
    for k, (start, end) in enumerate(pairs):
        strength = math.sin(math.pi * (k + 1) / len(scratch.curve)) ** 0.5
        cv2.line(canvas, start, end, strength, 1, cv2.LINE_8, 4)
    sigma = max(scratch.width * unit, 0.5)
    return np.asarray(np.minimum(cv2.GaussianBlur(canvas, (0, 0), sigma) * (2.5 * sigma), 1), np.float32)


def relief(shapes: Shapes, cuts: Field) -> Field:
    """Return the part's height at every pixel, in the unit of lengths."""
    ring = np.clip(1 - ((shapes.radius - 0.395) / 0.032) ** 2, 0, None)
    ix, iy = shapes.insert_xy
    height = 0.016 * inside(shapes.plate + 0.010, 0.020)
    height += 0.030 * inside(shapes.radius - 0.345, 0.020) * inside(0.215 - shapes.radius, 0.020)
    height += 0.030 * np.sqrt(ring)
    height -= 0.030 * inside(shapes.holes - 0.020, 0.045)
    height += 0.014 * inside(shapes.insert + 0.012, 0.022)
    height -= 0.012 * inside(band(shapes.insert + 0.002, 0.004), 0.006)  # the gap around the insert
    height -= 0.006 * inside(box(np.abs(ix) - np.float32(0.12), iy, (0.035, 0.035), 0.035), 0.012)
    return np.asarray(height - 0.010 * cuts, np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """How every pixel sees the lamp: `diffuse` 0 to 1, and the tilt (x, y) away from a mirror reflection."""

    diffuse: Field
    tilt_x: Field
    tilt_y: Field


def shine(scene: Scene, shapes: Shapes, height: Field) -> Light:
    """Light from one near lamp, camera straight above."""
    unit = scene.size / 2
    slope_x, slope_y = (cv2.Sobel(height, cv2.CV_32F, dx, 1 - dx, scale=unit / 8) for dx in (1, 0))
    angle = math.radians(scene.light_deg)
    lx, ly, lz = 1.3 * math.cos(angle) - shapes.x, 1.3 * math.sin(angle) - shapes.y, 1.9
    away = np.sqrt(lx * lx + ly * ly + lz * lz)
    facing = (lz - slope_x * lx - slope_y * ly) / (away * np.sqrt(1 + slope_x**2 + slope_y**2))
    half_z = lz / away + 1
    tilt_x = (lx / away - shapes.x / 5) / half_z + slope_x
    tilt_y = (ly / away - shapes.y / 5) / half_z + slope_y
    return Light(*(np.asarray(field, np.float32) for field in (np.clip(facing, 0, 1), tilt_x, tilt_y)))


# ---- materials: linear light leaving the surface ----


def brushing(scene: Scene, stream: int) -> Field:
    """Fine parallel lines, about unit variance, running left to right; they start and end where they like."""
    height, width = scene.size, scene.size
    fine, coarse = scene.noise(stream, (height, width // 20)), scene.noise(stream + 1, (height // 3, width // 40))
    sharp = 1.2 * cv2.GaussianBlur(fine, (0, 0), sigmaX=0.1, sigmaY=0.6)
    lines = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(lines + 0.6 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def metal(light: Light, along: tuple[Field | float, Field | float], lines: Field) -> Field:
    """Anisotropic, (height, width): a highlight narrow along the brushing and wide across it."""
    tilt_along = light.tilt_x * along[0] + light.tilt_y * along[1]
    tilt_across = light.tilt_y * along[0] - light.tilt_x * along[1] + 0.10 * lines
    glare = np.exp(-((tilt_along / 0.24) ** 2) - (tilt_across / 0.70) ** 2)
    return np.asarray((0.10 + 0.15 * light.diffuse + 0.50 * glare) * (1 + 0.065 * lines), np.float32)


def plastic(light: Light, colour: Colour, gloss: float) -> Field:
    """Render a body colour under a soft clear highlight."""
    glare = gloss * np.exp(-(light.tilt_x**2 + light.tilt_y**2) / 0.05)
    return np.asarray(tinted(0.25 + 0.95 * light.diffuse, colour) + glare, np.float32)


def tinted(grey: Field, colour: Colour) -> Field:
    """Turn (height, width) into light of one colour, (3, height, width)."""
    return np.asarray(np.multiply.outer(np.array(colour, np.float32), grey), np.float32)


def soft(field: Field, sigma: float) -> Field:
    """Blur widely, done small: `sigma` in pixels."""
    step = max(int(sigma / 2), 1)
    small = cv2.resize(field, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, field.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def belt(scene: Scene, shapes: Shapes) -> Field:
    """Matt dark woven belt, in the part's soft shadow."""
    unit, side = scene.size / 2, np.arange(scene.size, dtype=np.float32)
    cloth = cv2.GaussianBlur(scene.noise(1, (scene.size, scene.size)), (0, 0), 0.9) * 2.2
    wear = cv2.resize(scene.noise(2, (12, 12)), cloth.shape, interpolation=cv2.INTER_CUBIC)
    weave = np.sin(side * 1.35 + scene.seed % 7)
    tone = 0.060 * (1 + 0.10 * cloth + 0.05 * wear + 0.06 * weave[:, None] * weave)
    angle, part = math.radians(scene.light_deg), inside(np.maximum(shapes.plate, 0.215 - shapes.radius), 0.01)
    shift = np.array([[1, 0, -0.06 * unit * math.cos(angle)], [0, 1, -0.06 * unit * math.sin(angle)]], np.float32)
    cast = soft(cv2.warpAffine(part, shift, part.shape[::-1]).astype(np.float32), 0.035 * unit)
    shade = (1 - 0.75 * cast) * (1 - 0.45 * soft(part, 0.012 * unit))
    return tinted(np.asarray(tone * shade, np.float32), (0.98, 1.05, 0.86))


def mark(scene: Scene, shapes: Shapes) -> Field:
    """Coverage of the printed mark, 0 to 1: a type number and a dot code."""
    art = np.zeros((96, 400), np.uint8)
    cv2.putText(art, "BP 40-7", (4, 70), cv2.FONT_HERSHEY_DUPLEX, 1.9, 255, 5, cv2.LINE_AA)
    dots = np.unpackbits(CODE[:, None], axis=1) * np.uint8(255)
    art[6:90, 308:392] = cv2.resize(dots, (84, 84), interpolation=cv2.INTER_NEAREST)
    x, y = local(shapes.x, shapes.y, scene.mark)
    scale = 400 / 0.62
    drawn = cv2.remap(art, x * scale + 200, y * scale + 48, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(drawn * np.float32(1 / 255), np.float32)


def stained(surface: Field, shapes: Shapes, stain: Stain, diffuse: Field) -> Field:
    """Render `surface` under one dried drop."""
    distance = ragged(shapes.x, shapes.y, stain.at, stain.radius, stain.waves)
    rim = np.exp(-(((distance + 0.012) / 0.012) ** 2))
    cover = stain.opacity * inside(distance, 0.035) * (0.72 + 0.28 * rim)
    return over(surface, cover, tinted(0.4 + 0.8 * diffuse, stain.colour))


def over(under: Field, cover: Field, top: Field | np.float32) -> Field:
    """Lay `top` over `under` where `cover` is 1."""
    mixed = top - under
    mixed *= cover
    mixed += under
    return mixed


# ---- the camera ----


def expose(scene: Scene) -> Field:
    """Return the light on the sensor, before its noise: (3, size, size)."""
    shapes, edge = lay_out(scene), 3 / scene.size
    still: Field = np.zeros((scene.size, scene.size), np.float32)
    cuts = np.maximum.reduce([still, *(s.depth * groove(scene, s) for s in scene.scratches)])
    light = shine(scene, shapes, relief(shapes, cuts))
    ground = belt(scene, shapes)
    picture = over(ground, inside(shapes.plate, edge), faces(scene, shapes, light, cuts))
    picture = over(picture, inside(np.minimum(shapes.holes, shapes.radius - 0.2), edge), ground * np.float32(0.35))
    blurred = np.stack([cv2.GaussianBlur(channel, (0, 0), 0.85 * scene.size / 512) for channel in picture])
    fall_off = 1 - 0.16 * (shapes.x**2 + shapes.y**2)
    return np.asarray(blurred * tinted(fall_off * np.float32(scene.gain), scene.white), np.float32)


def faces(scene: Scene, shapes: Shapes, light: Light, cuts: Field) -> Field:
    """Everything on the part's upper side, without its holes."""
    edge, scar = 3 / scene.size, 0.16 * cuts  # bare metal in a fresh cut
    rubber = plastic(light, (0.016, 0.015, 0.015), 0.05)
    top = over(sheet(scene, shapes, light) + scar, 0.86 * mark(scene, shapes), np.float32(0.018))
    top = over(top, inside(shapes.radius - 0.365, edge), hub(scene, shapes, light) + scar)
    top = over(top, inside(band(shapes.radius - 0.395, 0.032), edge), rubber)
    top = over(top, inside(shapes.insert, edge), plastic(light, scene.insert_colour, 0.16))
    top = over(top, 0.8 * inside(band(shapes.insert, 0.003), 0.006), np.float32(0.01))
    for stain in scene.stains:
        top = stained(top, shapes, stain, light.diffuse)
    return top


def sheet(scene: Scene, shapes: Shapes, light: Light) -> Field:
    """Render the brushed plate, dull where a chip has broken it."""
    lines = brushing(scene, 3)
    broken = 0.35 * inside(shapes.chips - 0.012, 0.03) * (0.6 + 0.4 * lines)
    return tinted(metal(light, (1.0, 0.0), lines) * (1 - broken), ALUMINIUM)


def hub(scene: Scene, shapes: Shapes, light: Light) -> Field:
    """Render the turned hub: lines run around it, so its highlight is a fan."""
    turn = cv2.phase(shapes.x, shapes.y)
    around = np.minimum(turn, 2 * np.pi - turn) * ((scene.size - 1) / np.pi)  # mirrored: no seam
    rings = cv2.remap(brushing(scene, 5), around.astype(np.float32), shapes.radius * (scene.size / 2), cv2.INTER_LINEAR)
    away = np.maximum(shapes.radius, np.float32(1e-3))
    return tinted(metal(light, (-shapes.y / away, shapes.x / away), np.asarray(rings, np.float32)), ALUMINIUM)


def displayed(light: Field) -> Field:
    """Linear light to display values, 0 to 1."""
    return np.asarray(cv2.pow(np.clip(light, 0, 1), 1 / 2.2), np.float32)


def develop(scene: Scene, light: Field) -> Image:
    """Return the camera's picture of this light: (size, size, 3) uint8 BGR, with the sensor's noise."""
    grain = scene.noise(7, light.shape)
    grain *= np.sqrt(light * np.float32(2e-4) + np.float32(3e-6))  # photons, then the read-out
    grain += light
    return np.stack([np.asarray(channel * 255 + 0.5, np.uint8) for channel in displayed(grain)], axis=2)


def photograph(scene: Scene) -> Image:
    """Return the picture the camera gives of `scene`: (size, size, 3) uint8 BGR."""
    return develop(scene, expose(scene))


def changed(before: Field, after: Field) -> Mask:
    """Say where a person could tell one exposure from the other: (size, size)."""
    difference = np.abs(displayed(after) - displayed(before)).max(axis=0)
    seen = (difference > VISIBLE).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel) > 0)
