"""Turns a quantised gguf file into a folder that loads in a second: reading SmolLM2 from gguf takes 20."""

import copy
from pathlib import Path

from nnwidgets.data.errors import Unavailable


def unpack_gguf(source: Path, target: Path) -> None:
    """Write model and tokenizer of the one .gguf file in `source` to `target`, as `save_pretrained` does.

    The weights are kept as float32: exactly the values that the quantised file stands for, at four bytes each.
    """
    try:
        import accelerate  # noqa: F401  # transformers needs both to read gguf, and says so late
        import gguf  # noqa: F401
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise Unavailable(
            f"its gguf file needs {error.name}, which is not installed: pip install 'nnwidgets[hf]'"
        ) from None
    (file,) = source.glob("*.gguf")
    quantised = AutoModelForCausalLM.from_pretrained(source, gguf_file=file.name, dtype=torch.float32)
    # transformers does not save what was read from gguf. The same weights in a model of the same configuration it does;
    # made on the meta device, that model draws no random numbers.
    config = copy.deepcopy(quantised.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(quantised.state_dict(), assign=True)
    plain.tie_weights()
    plain.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=file.name).save_pretrained(target)
