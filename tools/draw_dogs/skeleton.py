"""How a dog stands, walks, sits or lies: its pose, and the tubes and joints that follow from it.

Space: x runs forward along the dog, y upward from the ground, z to the dog's side that faces the
viewer. Lengths: 1 is about the height of a middling dog at the withers.
"""

from dataclasses import dataclass

import numpy as np

from .geometry import Tube, rotation_about, tube

POSES = ("stand", "walk", "sit", "lie", "bow")
_POSE_ODDS = (0.27, 0.3, 0.22, 0.11, 0.1)


@dataclass(frozen=True)
class Pose:
    """What a dog does at the moment, the same for every breed. Angles in radians.

    Args:
        kind: one of `POSES`.
        yaw: how far the body is turned to the viewer, 0 for an exact side view.
        head_yaw: the same for the head; π/2 looks straight at the viewer.
        head_pitch: upward is positive.
        head_roll: tilt of the head.
        neck: how far the neck is raised above its usual angle.
        phase: of the walk.
        mouth: how far the mouth is open, 0…1.
        wag: sideways swing of the tail.
        gaze: array (2,), where the eyes look, -1…1.
    """

    kind: str
    yaw: float
    head_yaw: float
    head_pitch: float
    head_roll: float
    neck: float
    phase: float
    mouth: float
    wag: float
    gaze: tuple


def random_pose(rng):
    """Draw a pose with a `numpy.random.Generator`."""
    kind = str(rng.choice(POSES, p=_POSE_ODDS))
    yaw = rng.uniform(-0.3, 0.85)
    turn = np.array([rng.uniform(0.0, 0.45), rng.uniform(0.5, 0.95), rng.uniform(1.0, 1.5)])
    head_yaw = rng.choice(turn, p=(0.3, 0.47, 0.23))
    return Pose(
        kind=kind,
        yaw=yaw,
        head_yaw=max(head_yaw, yaw - 0.2),
        head_pitch=rng.uniform(-0.3, 0.25),
        head_roll=rng.normal(0, 0.13),
        neck=rng.uniform(-0.3, 0.2),
        phase=rng.uniform(0, 2 * np.pi),
        mouth=max(0.0, rng.uniform(-0.8, 1.0)),
        wag=rng.uniform(-0.6, 0.6),
        gaze=tuple(rng.uniform(-1, 1, 2)),
    )


@dataclass(frozen=True)
class Build:
    """A breed's proportions as lengths."""

    leg: float
    leg_radius: float
    length: float
    depth: float
    tuck: float
    head: float
    snout: float
    snout_thickness: float
    ear: float


def build_of(breed):
    """Turn a breed's proportions (0…1) into lengths."""
    return Build(
        leg=0.15 + 0.44 * breed.leg_length,
        leg_radius=0.036 + 0.034 * breed.leg_thickness,
        length=0.46 + 0.36 * breed.body_length,
        depth=0.32 + 0.2 * breed.body_depth,
        tuck=breed.slenderness,
        head=0.195 + 0.075 * breed.head_size,
        snout=0.1 + 0.9 * breed.snout_length,
        snout_thickness=0.74 + 0.46 * breed.snout_thickness,
        ear=0.7 + 0.7 * breed.ear_size,
    )


@dataclass(frozen=True)
class Skeleton:
    """A posed dog: tubes for the limbs and trunk, and the frame of the head.

    Args:
        torso, neck, tail: :class:`Tube`, the torso from rump to chest.
        legs: dict of tubes "far_hind", "far_fore", "near_hind", "near_fore", shoulder to paw.
        paws: dict of arrays (3,), the centre of each paw.
        up: array (3,), from the belly to the back.
        head: array (3,), the centre of the skull.
        head_axes: array (3, 3); rows: the head's forward, up and side (to the viewer).
        ground: heights of the ground under the dog (always 0).
    """

    torso: Tube
    neck: Tube
    tail: Tube
    legs: dict
    paws: dict
    up: np.ndarray
    head: np.ndarray
    head_axes: np.ndarray


def pose_dog(breed, pose):
    """Place the joints of a breed in a pose.

    Args:
        breed: a :class:`~.breeds.Breed`.
        pose: a :class:`Pose`.

    Returns:
        A :class:`Skeleton` that stands on y = 0 with its torso about x = 0.
    """
    build = build_of(breed)
    hip, chest = _trunk_ends(build, pose)
    along = (chest - hip) / np.linalg.norm(chest - hip)
    up = np.array([-along[1], along[0], 0.0])
    neck, head, axes = _neck_and_head(build, pose, chest, along, up)
    legs, paws = {}, {}
    for side, name in ((-1, "far"), (1, "near")):
        for end, maker in (("hind", _hind_leg), ("fore", _fore_leg)):
            joints, radii = maker(build, pose, hip, chest, along, up, side)
            legs[f"{name}_{end}"] = tube(joints, radii)
            paws[f"{name}_{end}"] = joints[-1]
    return Skeleton(
        torso=_torso(build, hip, chest, along, up),
        neck=neck,
        tail=_tail(breed, build, pose, hip, along, up),
        legs=legs,
        paws=paws,
        up=up,
        head=head,
        head_axes=axes,
    )


def _hip_radius(build):
    return build.depth * (0.46 - 0.06 * build.tuck)


def _trunk_ends(build, pose):
    """Give the centres of hip and chest, arrays (3,)."""
    radius = _hip_radius(build)
    stand = build.leg + build.depth - radius
    hip_y, chest_y = stand, build.leg + build.depth / 2
    reach = build.length
    if pose.kind == "walk":
        chest_y += 0.012 * np.sin(2 * pose.phase)
    elif pose.kind == "sit":
        hip_y = radius * 0.98
        chest_y = np.clip(build.leg + build.depth * 0.62, hip_y + 0.5 * reach, hip_y + 0.86 * reach)
    elif pose.kind == "lie":
        hip_y, chest_y = radius, build.depth * 0.5 + 0.05
    elif pose.kind == "bow":
        chest_y = build.depth * 0.5 + 0.06
    run = np.sqrt(max(reach**2 - (chest_y - hip_y) ** 2, 0.04))
    return np.array([-run / 2, hip_y, 0]), np.array([run / 2, chest_y, 0])


def _torso(build, hip, chest, along, up):
    """Chain the rump, loin, ribs and chest; the belly tucks up in slender breeds."""
    depth, tuck = build.depth, build.tuck
    rump, ribs = _hip_radius(build), depth * 0.5
    loin = depth * (0.45 - 0.13 * tuck)
    middle = depth * (0.475 - 0.06 * tuck)
    span = chest - hip

    def beside_back(share, radius):
        # A thinner part is raised until its top meets the back line, which dips a little in a
        # heavy dog and arches in a slender one.
        arch = depth * (0.11 * tuck - 0.05) * np.sin(np.pi * share)
        top = rump + (ribs - rump) * share + arch
        return hip + span * share + up * (top - radius)

    joints = [
        hip - along * 0.02,
        beside_back(0.33, loin),
        beside_back(0.66, middle),
        chest,
        chest + along * 0.22 * depth + up * 0.06 * depth,
    ]
    return tube(joints, [rump, loin, middle, ribs, depth * 0.36], samples=5)


def _neck_and_head(build, pose, chest, along, up):
    """Place the neck and the frame of the head."""
    root = chest + along * 0.16 * build.depth + up * 0.16 * build.depth
    usual = {"sit": 1.15, "bow": 0.75, "lie": 1.0}.get(pose.kind, 0.88)
    angle = usual + pose.neck
    reach = 0.15 + 0.26 * build.leg + 0.62 * build.head
    direction = np.array([np.cos(angle), np.sin(angle), 0])
    head = root + direction * reach
    head[1] = max(head[1], build.head * 1.05)
    # A head turned to the viewer also comes nearer than the shoulders.
    head[2] += 0.06 * np.sin(pose.head_yaw)
    nape = head - direction * 0.25 * build.head
    middle = (root + nape) / 2 + np.array([-direction[1], direction[0], 0]) * 0.03
    neck = tube(
        [root, middle, nape],
        [build.depth * 0.4, 0.5 * (build.depth * 0.34 + build.head * 0.68), build.head * 0.72],
        samples=6,
    )
    turn = rotation_about(1, pose.yaw - pose.head_yaw) @ rotation_about(2, pose.head_pitch)
    axes = (turn @ rotation_about(0, pose.head_roll)).T
    return neck, head, axes


def _bend(start, stop, first, second, forward):
    """Find the joint between two bones of given lengths that bends forward (+1) or back (-1)."""
    span = stop - start
    distance = np.clip(np.linalg.norm(span[:2]), 1e-3, (first + second) * 0.999)
    along = span[:2] / max(np.linalg.norm(span[:2]), 1e-3)
    near = np.clip((first**2 - second**2 + distance**2) / (2 * distance), -first, first)
    away = np.sqrt(max(first**2 - near**2, 0.0))
    side = np.array([-along[1], along[0]]) * forward
    joint = start[:2] + along * near + side * away
    return np.array([joint[0], joint[1], (start[2] + stop[2]) / 2])


def _step(pose, side, end):
    """Give the forward shift and the lift of a paw in the walk, as shares of the leg."""
    if pose.kind != "walk":
        sway = 0.1 * np.sin(pose.phase + 2.1 * side + (1.3 if end == "hind" else 0.0))
        return sway, 0.0
    # Diagonal legs move together in a trot.
    swing = pose.phase + (0 if (side > 0) == (end == "fore") else np.pi)
    return 0.52 * np.sin(swing), 0.26 * max(0.0, np.cos(swing))


def _fore_leg(build, pose, hip, chest, along, up, side):
    """Give joints (5, 3) and radii of a foreleg: shoulder, elbow, wrist, pastern, paw."""
    depth, thick = build.depth, build.leg_radius
    width = side * depth * 0.27
    shoulder = chest + along * 0.1 * depth - up * 0.02 * depth
    shoulder[2] = width * 0.8
    radii = [depth * 0.25, thick * 1.35, thick * 0.95, thick * 1.0, thick * 1.1]
    if pose.kind in ("lie", "bow"):
        elbow = np.array([chest[0] + 0.02, thick * 1.5, width * 1.25])
        shift = 0.03 * np.sin(pose.phase + side)
        reach = 0.5 * build.leg + 0.16 + shift
        wrist = elbow + [reach, -thick * 0.4, 0]
        pastern = wrist + [0.04, 0, 0]
        paw = wrist + [0.085, 0, 0]
        paw[1] = pastern[1] = thick * 1.05
        return np.array([shoulder, elbow, wrist, pastern, paw]), radii
    shift, lift = _step(pose, side, "fore")
    paw_x = shoulder[0] + shift * (build.leg + 0.1) + (0.03 if pose.kind == "sit" else 0.0)
    paw = np.array([paw_x, thick + lift * build.leg, width])
    wrist = paw + [-0.012 - 0.2 * lift * build.leg, 0.2 * build.leg + 0.03, 0]
    upper = 0.42 * depth + 0.12 * build.leg
    lower = max(np.linalg.norm((shoulder - wrist)[:2]) * 1.03 - upper, 0.05)
    elbow = _bend(shoulder, wrist, upper, lower, -1)
    elbow[2] = width
    pastern = (wrist + paw) / 2 + [-0.004, -0.01, 0]
    return np.array([shoulder, elbow, wrist, pastern, paw]), radii


def _hind_leg(build, pose, hip, chest, along, up, side):
    """Give joints (5, 3) and radii of a hind leg: hip, stifle, hock, pastern, paw."""
    depth, thick = build.depth, build.leg_radius
    width = side * depth * 0.26
    radius = _hip_radius(build)
    root = hip + up * 0.03 * depth
    root[2] = width * 0.75
    radii = [radius * 0.74, radius * 0.56, thick * 1.02, thick * 0.98, thick * 1.1]
    if pose.kind in ("sit", "lie"):
        spread = width * 1.5
        stifle = np.array([hip[0] + 0.2 + 0.16 * build.leg, radius * 0.98, spread])
        hock = np.array([hip[0] + 0.0, thick * 1.3, spread])
        paw = np.array([hip[0] + 0.22 + 0.2 * build.leg, thick, spread * 1.1])
        radii = [radius * 0.78, radius * 0.6, thick * 1.15, thick * 1.1, thick * 1.15]
        return np.array([root, stifle, hock, (hock + paw) / 2, paw]), radii
    shift, lift = _step(pose, side, "hind")
    paw = np.array(
        [
            hip[0] - 0.05 - 0.1 * build.leg + shift * (build.leg + 0.1),
            thick + lift * build.leg,
            width,
        ]
    )
    lean = 0.16 * (build.leg + 0.1) * (1 + 1.6 * lift)
    hock = paw + [-lean, 0.34 * build.leg + 0.05, 0]
    span = np.linalg.norm((root - hock)[:2])
    stifle = _bend(root, hock, span * 0.56, span * 0.62, 1)
    stifle[2] = width
    return np.array([root, stifle, hock, (hock + paw) / 2, paw]), radii


#: Points of each tail as (backward, upward), and its radii, from the root to the tip.
_TAILS = {
    "curled": (
        [(0, 0), (0.10, 0.13), (0.06, 0.29), (-0.10, 0.33), (-0.17, 0.21), (-0.08, 0.14)],
        [0.065, 0.062, 0.058, 0.054, 0.046, 0.034],
    ),
    "straight": (
        [(0, 0), (0.15, 0.10), (0.30, 0.23), (0.43, 0.40)],
        [0.062, 0.052, 0.045, 0.026],
    ),
    "plume": (
        [(0, 0), (0.10, 0.16), (0.15, 0.33), (0.06, 0.49), (-0.10, 0.53)],
        [0.055, 0.088, 0.115, 0.105, 0.03],
    ),
    "short": ([(0, 0), (0.06, 0.06), (0.10, 0.13)], [0.062, 0.058, 0.045]),
    "whip": (
        [(0, 0), (0.12, 0.0), (0.25, -0.13), (0.39, -0.15), (0.52, -0.02)],
        [0.046, 0.036, 0.028, 0.021, 0.013],
    ),
}


def _tail(breed, build, pose, hip, along, up):
    """Attach the tail to the rump and swing it."""
    radius = _hip_radius(build)
    points, radii = _TAILS[breed.tail]
    back, rise = -along, up
    root = hip - along * 0.78 * radius + up * 0.52 * radius
    if pose.kind == "sit":
        # The sitting dog's spine is steep: the tail leaves it backward, not downward.
        back, rise = np.array([-0.97, 0.22, 0.0]), np.array([0.22, 0.97, 0.0])
        root = hip + np.array([-0.86 * radius, -0.25 * radius, 0.0])
    shape = np.array([root + x * back + y * rise for x, y in points])
    swing = rotation_about(1, pose.wag)
    shape = root + (shape - root) @ swing.T
    radii = np.asarray(radii) * (0.85 + 0.6 * (build.depth - 0.32))
    shape[:, 1] = np.maximum(shape[:, 1], radii)
    return tube(shape, radii, samples=5)
