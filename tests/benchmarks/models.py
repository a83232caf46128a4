"""Cells that several benchmarks begin with."""

LARGE = """
import torch, nnwidgets as nnw
torch.set_num_threads(1)
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(768, 12, 3072, batch_first=True)
model = torch.nn.TransformerEncoder(layer, 12).eval()
with torch.no_grad():
    for block in model.layers:
        torch.nn.init.xavier_uniform_(block.self_attn.in_proj_weight)
        block.self_attn.in_proj_weight[:1536] *= 2.3  # some large weights and many small, as trained models have
COUNT = {count}
tokens = [f"token{{number}}" for number in range(COUNT)]
mask = torch.nn.Transformer.generate_square_subsequent_mask(COUNT)
inputs = {{"src": torch.randn(1, COUNT, 768), "mask": mask, "is_causal": True}}
"""
"""A stock `nn.TransformerEncoder` of GPT-2's size, 12 layers × 12 heads, causal, on `count` tokens."""
