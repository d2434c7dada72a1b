"""The take on one page of HTML: who was there, what their faces did, what was assumed."""
