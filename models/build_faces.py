"""Builds what ships for finding faces in photos (`studio.images.faces`).

    python models/build_faces.py lbpcascade_frontalface.xml     of OpenCV, data/lbpcascades

Writes models/faces.safetensors and models/faces.json, its card. The file is also in the package
`scikit-image` of PyPI (skimage/data/lbpcascade_frontalface_opencv.xml).
"""

from __future__ import annotations

import hashlib
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from safetensors.numpy import save

HERE = Path(__file__).parent


def numbers(node: ET.Element, name: str) -> list[float]:
    """The numbers in a node of that name."""
    found = node.find(name)
    assert found is not None
    assert found.text
    return [float(word) for word in found.text.split()]


def tables(cascade: ET.Element) -> dict[str, np.ndarray]:
    """See `studio.images.faces.Cascade`."""
    blocks = [numbers(rect, "rect")[:4] for rect in cascade.findall("features/_")]
    stages = cascade.findall("stages/_")
    used, scores, ends = [], [], []
    for stage in stages:
        for weak in stage.findall("weakClassifiers/_"):
            node, (inside, outside) = numbers(weak, "internalNodes"), numbers(weak, "leafValues")
            bits = [int(word) & 0xFFFFFFFF for word in node[3:]]
            used.append(int(node[2]))
            scores.append([inside if bits[code >> 5] >> (code & 31) & 1 else outside for code in range(256)])
        ends.append(len(used))
    return {
        "blocks": np.array(blocks, np.uint8),
        "used": np.array(used, np.uint8),
        "scores": np.array(scores, np.float32),
        "ends": np.array(ends, np.uint8),
        "thresholds": np.array([numbers(stage, "stageThreshold")[0] for stage in stages], np.float32),
    }


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cascade = ET.parse(sys.argv[1]).getroot().find("cascade")
    assert cascade is not None
    found = tables(cascade)
    content = save(found)
    (HERE / "faces.safetensors").write_bytes(content)
    card = {
        "name": "faces",
        "what": "Where a photo shows faces from the front: a cascade of local binary patterns in windows of "
        "24 x 24 pixels.",
        "data": [
            {
                "name": "lbpcascade_frontalface.xml, trained on 3,000 faces and 1,500 pictures without",
                "source": "OpenCV, github.com/opencv/opencv, data/lbpcascades",
                "licence": "Apache 2.0 (BSD, three clauses, up to OpenCV 4.4)",
            }
        ],
        "licence": "Apache 2.0, as the file it was made from",
        "command": "python models/build_faces.py lbpcascade_frontalface.xml",
        "figures": {"stages": len(found["ends"]), "patterns": len(found["used"]), "bytes": len(content)},
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (HERE / "faces.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    print(HERE / "faces.safetensors", len(content))


if __name__ == "__main__":
    main()
