"""Which kernels are installed; a kernel is only ever named, never described by a notebook."""

from dataclasses import dataclass

from nbflow.errors import ExecutionError
from nbflow.model.sentence import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledKernel:
    """A kernelspec of this machine; ``folder`` is where its kernel.json lies."""

    name: str
    display_name: str
    language: str
    folder: str
    argv: tuple[str, ...] = ()
    interrupt_mode: str = "signal"


class KernelStartError(ExecutionError):
    """The kernel is not installed, or did not start in time."""

    default_code = "NBF503"


def installed_kernels() -> tuple[InstalledKernel, ...]:
    """Return the installed kernels, sorted by name; a broken kernelspec is left out."""
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().get_all_specs()
    return tuple(
        InstalledKernel(
            name=name,
            display_name=str(entry["spec"].get("display_name", name)),
            language=str(entry["spec"].get("language", "")),
            folder=str(entry["resource_dir"]),
            argv=tuple(entry["spec"].get("argv", ())),
            interrupt_mode=str(entry["spec"].get("interrupt_mode") or "signal"),
        )
        for name, entry in sorted(found.items())
    )


def check_kernel(name: str) -> InstalledKernel:
    """Return the kernel of that name. Raises KernelStartError that lists what is installed."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec(name)
    except (NoSuchKernel, ValueError, OSError):
        available = ", ".join(kernel.name for kernel in installed_kernels()) or "none"
        raise KernelStartError(
            Sentence(
                "kernel {name!r} is not installed; available: {available}",
                name=name,
                available=available,
            ),
            hint=Sentence(
                "install it, for Python with: python -m ipykernel install --sys-prefix --name {name}",
                name=name,
            )
            if name.isidentifier()
            else "choose an installed kernel in the notebook",
        ) from None
    return InstalledKernel(
        name=name,
        display_name=spec.display_name,
        language=spec.language,
        folder=spec.resource_dir,
        argv=tuple(spec.argv),
        interrupt_mode=spec.interrupt_mode,
    )
