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

TRAINING = """
import torch, nnwidgets as nnw
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_num_threads(1)
torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), 0.05)
store = nnw.RunStore("runs.sqlite")
run = store.run("digits", config={"epochs": 2000})

def train(run):
    step = 0
    with nnw.watch(model, optimizer, run, histograms=50):
        for epoch in range(1, 2001):
            for chosen in torch.randperm(1500).split(50):
                optimizer.zero_grad()
                loss = cross_entropy(model(images[chosen]), labels[chosen])
                loss.backward()
                optimizer.step()
                step += 1
                run.log(step, loss=loss.item())
            with torch.no_grad():
                logits = model(images[1500:])
            run.log(step, epoch=epoch, val_loss=cross_entropy(logits, labels[1500:]).item())
"""
"""A small network on scikit-learn's digits, and a training that takes a minute if nobody stops it."""
