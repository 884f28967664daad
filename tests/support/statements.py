"""Statements that share names, change objects in place, and look names up late."""

START = """import random
n = 1
m = 2
xs = [1]
ys = [2, 3]
d = {}
fs = []
it = iter([7, 8, 9])
def f(z):
    return z + n
def g():
    return m
h = f
class A:
    total = 0
    def __init__(self, v):
        self.v = v
    def get(self):
        return (self.v, n)
o = A(0)
o2 = o"""

STATEMENTS = [
    "n = 3", "n = m + 1", "n += m", "m = n * 2", "n, m = m, n",
    "xs = [n, m]", "xs = ys", "xs = list(ys)", "xs = ys[:]", "xs.append(n)", "ys += [n]",
    "ys = xs + [m]", "xs.insert(0, m)", "xs.sort()", "if xs:\n    xs[0] = n",
    "d['x'] = xs", "d['k'] = n", "xs = d.get('x', [])", "d = {'x': ys}", "d.update(k=m)",
    "d.setdefault('x', ys).append(n)", "e = dict(d)\nprint(sorted(e))",
    "def f(z):\n    return z + n", "def f(z):\n    xs.append(z)\n    return len(xs)",
    "def f(z, k=n):\n    return z + k", "def f(z, acc=[]):\n    acc.append(z)\n    return len(acc)",
    "def g():\n    global n\n    n = f(m)\n    return n", "def g():\n    return h(m) + f(m)",
    "def g():\n    ys.append(m)\n    return len(ys)", "g()", "print(g())", "n = f(m)", "print(f(n))",
    "h = lambda z: z * n", "h = f", "print(h(m))", "fs.append(h)", "fs.append(lambda z: z + m)",
    "print([q(1) for q in fs])", "fs = [f, lambda z: z - n]", "m = sum(q(2) for q in fs)",
    "o = A(xs)", "o.v = n", "print(o.get())", "o2 = o", "o = A(m)", "print(o2.get(), o2 is o)",
    "d['o'] = o", "print(isinstance(o, A))", "A.total += 1", "print(A.total)",
    ("class B:\n    total = m\n    def __init__(self, v):\n        self.v = [v]\n"
    "    def get(self):\n        return (self.v, m)\no = B(n)"),
    "for n in ys:\n    m = n", "if n > 3:\n    m = 0", "while n > 9:\n    n -= 5",
    "try:\n    n = ys[5]\nexcept IndexError:\n    m = 4",
    "random.seed(1)", "print(random.random())", "n = random.randint(0, 9)", "random.shuffle(ys)",
    "print(next(it, None))", "it = iter(ys)", "print(list(it))", "it = (q + n for q in xs)",
    "print(n, m)", "print(xs, ys, xs is ys)", "print(xs)", "print(sorted(d))", "print(len(fs))",
    "del m\nm = 5", "print([n for n in xs])", "print(*map(f, [1, 2]))", "p = n\nq = [p, xs]\nprint(q)",
    "f.calls = n", "print(getattr(f, 'calls', None))",
    ("def make():\n    c = [n]\n    def inc():\n        c[0] += 1\n        return c[0]\n    return inc\n"
    "inc = make()\nfs.append(lambda z: inc() + z)"),
    "if n % 2:\n    def f(z):\n        return z - n", "xs2 = xs\nxs2.append(9)",
    "with_x = {'v': xs}\nwith_x['v'].append(0)", "ys = sorted(xs)", "xs, ys = ys, xs",
]  # fmt: skip
