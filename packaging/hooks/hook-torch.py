"""What PyInstaller takes of torch: libraries and the modules that are imported, without tests, headers and compiler.

It replaces the hook of pyinstaller-hooks-contrib, which takes everything.
"""

from pathlib import Path

from PyInstaller.utils.hooks import collect_dynamic_libs, get_package_paths

_, folder = get_package_paths("torch")
module_collection_mode = "pyz+py"  # `import torch` reads the source of some of its functions
NEEDLESS = ("test", "backend_with_compiler", "aoti_custom_ops")
binaries = [entry for entry in collect_dynamic_libs("torch") if not any(name in entry[0] for name in NEEDLESS)]
# `import torch` looks for the program that shares tensors between processes
datas = [(str(path), "torch/bin") for path in Path(folder, "bin").glob("torch_shm_manager*")]
bindepend_symlink_suppression = ["**/torch/lib/*.so*"]  # torch looks for further libraries beside this one
