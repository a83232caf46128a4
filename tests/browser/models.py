"""Cells that several browser tests begin with."""

TINY = """
import torch, nnwidgets as nnw
torch.set_num_threads(1)
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
model = torch.nn.TransformerEncoder(layer, 3).eval()
inputs = torch.randn(2, 6, 32)
"""
"""A stock `nn.TransformerEncoder`: 3 layers of 4 heads, 2 samples of 6 positions."""

SESSION = TINY + "session = nnw.ModelSession(model, inputs, tokens=list('abcdef'))\n"
HEADS = "heads = nnw.AttentionHeads(session)\nheads"
MAP = "map = nnw.AttentionMap(session)\nmap"
MINILM = """
import torch, nnwidgets as nnw
from transformers import AutoModel, AutoTokenizer
torch.set_num_threads(1)
folder = nnw.data.load("minilm")
tokenizer = AutoTokenizer.from_pretrained(folder)
session = nnw.ModelSession(
    AutoModel.from_pretrained(folder), "The trophy does not fit in the suitcase because it is too big.",
    tokenizer=tokenizer
)
"""
"""A real BERT-family encoder: 6 layers of 12 heads."""
