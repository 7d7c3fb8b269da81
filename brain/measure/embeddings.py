"""From picture files to face embeddings: of the face nearest to the middle, unchanged or degraded as by a camera."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from brain.measure.cache import EmbeddingCache
from brain.measure.degrade import Degradation, as_seen
from brain.models import dlib_face
from brain.models.files import Pack, of_pack
from brain.people.enroll import to_upright_image
from brain.vision.backend import Face, FaceEmbedding, VisionBackend
from brain.vision.picture import Picture, Pixels
from nerves.errors import BadPicture

__all__ = ["EmbeddingReader", "PictureVariant", "Progress", "model"]

Progress = Callable[[int, int | None], None]

# Increase this when a change of the code gives other embeddings for the same picture and model files.
CACHE_VERSION = 1
# A process reads this many pictures before their embeddings are stored.
PICTURES_PER_PROCESS = 40
# Enrolled photos have the same JPEG quality.
PHOTO_JPEG_QUALITY = 95
# Only the face and this many face widths on each side of it are degraded, not the whole of a large photo.
CROP_FACE_WIDTHS = 2.0


@dataclass(frozen=True, slots=True)
class PictureVariant:
    """A picture file, unchanged or degraded as by a camera."""

    file: Path
    how: Degradation | None = None


def model(pack: Pack) -> str:
    """Return a text that differs whenever the model files or the alignment give other embeddings."""
    hashes = [
        version.sha256
        for file in of_pack(pack)
        if file.name.startswith(("face", "dlib", "shape"))
        for version in file.versions
    ]
    aligned = (dlib_face.SQUARE_SCALE, dlib_face.SQUARE_SHIFT, dlib_face.CHIP_SIDE_PX, dlib_face.CHIP_PADDING)
    return repr((CACHE_VERSION, sorted(hashes), aligned))


@dataclass
class EmbeddingReader:
    """Computes the face embeddings of pictures. Embeddings in the cache are not computed again."""

    open_backend: Callable[[], VisionBackend]
    """Called once in each process that reads pictures."""
    model: str
    """The result of `model`: a part of each key in the cache."""
    cache: EmbeddingCache
    jobs: int = 1
    """How many processes read pictures."""
    bad: dict[Path, str] = field(default_factory=dict)
    """Files that cannot be used as a picture, and why."""
    _hashes: dict[Path, str] = field(default_factory=dict)

    def embeddings(
        self, views: Iterable[PictureVariant], progress: Progress
    ) -> dict[PictureVariant, FaceEmbedding | None]:
        """Return the embedding of each variant; None if no face can be measured.

        Unusable files are left out and added to `bad`. `progress` is called with the numbers done and in all.
        """
        wanted = list(dict.fromkeys(views))
        keys = {view: key for view in wanted if (key := self._key(view))}
        kept = self.cache.get(keys.values())
        lacking = sorted((view for view, key in keys.items() if key not in kept), key=lambda view: view.file)
        for done, found in enumerate(self._batches(lacking), start=1):
            self.bad |= {view.file: embedding for view, embedding in found.items() if isinstance(embedding, str)}
            fresh = {keys[view]: embedding for view, embedding in found.items() if not isinstance(embedding, str)}
            self.cache.put(fresh)
            kept |= fresh
            progress(min(done * PICTURES_PER_PROCESS, len(lacking)), len(lacking))
        return {view: kept[key] for view, key in keys.items() if view.file not in self.bad}

    def _key(self, view: PictureVariant) -> str | None:
        """Return the key of a variant's embedding in the cache; None if the file cannot be read."""
        if view.file not in self._hashes and view.file not in self.bad:
            try:
                self._hashes[view.file] = hashlib.sha256(view.file.read_bytes()).hexdigest()
            except OSError as error:
                self.bad[view.file] = f"cannot be read: {error.strerror}"
        content = self._hashes.get(view.file)
        return content and hashlib.sha256(repr((content, self.model, view.how)).encode()).hexdigest()

    def _batches(self, views: Sequence[PictureVariant]) -> Iterator[dict[PictureVariant, FaceEmbedding | str | None]]:
        parts = [views[start : start + PICTURES_PER_PROCESS] for start in range(0, len(views), PICTURES_PER_PROCESS)]
        if self.jobs == 1 or len(parts) == 1:
            backend = self.open_backend() if parts else None
            yield from (_read(backend, part) for part in parts if backend)
            return
        # "spawn", not "fork": a forked copy of a process whose libraries run threads may hang.
        with ProcessPoolExecutor(self.jobs, get_context("spawn"), _begin, (self.open_backend,)) as pool:
            yield from pool.map(_work, parts)


_own: list[VisionBackend] = []


def _begin(open_backend: Callable[[], VisionBackend]) -> None:
    _own.append(open_backend())


def _work(views: Sequence[PictureVariant]) -> dict[PictureVariant, FaceEmbedding | str | None]:
    return _read(_own[0], views)


def _read(backend: VisionBackend, views: Sequence[PictureVariant]) -> dict[PictureVariant, FaceEmbedding | str | None]:
    """Return for each variant the embedding, None if there is no face, or what is wrong with the file."""
    found: dict[PictureVariant, FaceEmbedding | str | None] = {}
    files = {view.file: [other for other in views if other.file == view.file] for view in views}
    for file, mine in files.items():
        try:
            found |= _read_file(backend, file, mine)
        except BadPicture as error:
            found |= dict.fromkeys(mine, str(error))
    return found


def _read_file(
    backend: VisionBackend, file: Path, views: Sequence[PictureVariant]
) -> dict[PictureVariant, FaceEmbedding | None]:
    pixels = np.ascontiguousarray(np.asarray(to_upright_image(file.read_bytes()), np.uint8)[:, :, ::-1])
    picture = Picture(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, PHOTO_JPEG_QUALITY])[1].tobytes())
    face = _nearest(backend.find_faces(picture), 0.5, 0.5)
    if face is None:
        return dict.fromkeys(views)
    around, x, y = _around(pixels, face)
    degraded = partial(_degraded, backend, around, face.width, (x, y))
    return {view: degraded(view.how) if view.how else backend.embed(picture, face) for view in views}


def _degraded(
    backend: VisionBackend, pixels: Pixels, width: float, centre: tuple[float, float], how: Degradation
) -> FaceEmbedding | None:
    picture = Picture(as_seen(pixels, width, how))
    face = _nearest(backend.find_faces(picture), *centre)
    return backend.embed(picture, face) if face else None


def _nearest(faces: Sequence[Face], x: float, y: float) -> Face | None:
    """Return the face nearest to a point, given as fractions of the picture."""

    def away(face: Face) -> float:
        return float(np.hypot(face.box.x + face.box.w / 2 - x, face.box.y + face.box.h / 2 - y))

    return min(faces, key=away, default=None)


def _around(pixels: Pixels, face: Face) -> tuple[Pixels, float, float]:
    """Return the part of a picture around a face, and the face's middle as fractions of that part."""
    height, width = pixels.shape[:2]
    x, y = (face.box.x + face.box.w / 2) * width, (face.box.y + face.box.h / 2) * height
    reach = (0.5 + CROP_FACE_WIDTHS) * face.width
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(width, int(x + reach)), min(height, int(y + reach))
    return pixels[top:bottom, left:right], (x - left) / (right - left), (y - top) / (bottom - top)
