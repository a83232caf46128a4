"""The face generator's weights, out of torch's pickle."""

from pathlib import Path

from nnwidgets.data.errors import Unavailable

WEIGHTS = "weights.tar"


def unpack_faces(files: Path, target: Path) -> None:
    """Fill `target` with generator.safetensors: the state of `zoo.dcgan.FaceGenerator`, float32."""
    try:
        import torch
        from safetensors.torch import save_file
    except ImportError as error:
        raise Unavailable(
            f"its weights need {error.name}, which is not installed: pip install 'nnwidgets[hf]'"
        ) from None
    state = torch.load(files / WEIGHTS, map_location="cpu", weights_only=True)["netG_state_dict"]
    save_file(state, target / "generator.safetensors")
