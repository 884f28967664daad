# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   nbflow:
#     version: 1
#     dag:
#       id: electricity
#       description: A Jupytext script as a pipeline. Iowa's electricity by source
#       tags: [example]
# ---

# %% [markdown]
# # A script is a notebook, too
#
# In editors without a tag dialogue, the first line of a cell says what it is: `%%task NAME`.
# `%load_ext nbflow` makes such cells run in Jupyter, VS Code and Colab as if the line weren't there.

# %%
# %load_ext nbflow

# %%
import matplotlib.pyplot as plt
import pandas as pd

# %%
# %%task load --retries 1 --retry-delay 5s
electricity = pd.read_csv("data/iowa-electricity.csv", parse_dates=["year"])
wide = electricity.pivot(index="year", columns="source", values="net_generation")
wide.index = wide.index.year
wide.tail(3)

# %%
# %%task shares
shares = wide.div(wide.sum(axis=1), axis=0)
shares.tail(3).round(3)

# %%
# %%task chart
figure, axes = plt.subplots(figsize=(7, 3.5))
axes.stackplot(wide.index, wide.T, labels=list(wide.columns))
axes.set(title="Electricity of Iowa", ylabel="thousand MWh")
axes.legend(loc="upper left", frameon=False)
plt.show()

# %%
# %%task story
first, last = shares.index.min(), shares.index.max()
before, after = shares.loc[first, "Renewables"], shares.loc[last, "Renewables"]
print(f"Renewables: {before:.0%} in {first}, {after:.0%} in {last}.")
