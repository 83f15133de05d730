#!/bin/sh
# Tries the self-contained program in an empty folder: the window, child processes, every format, every analysis.
#   sh packaging/smoke_test.sh /path/to/nesr-gui [photo.heic …]     # further files are described
set -eu
program=$1
shift
run() {
  echo "== $*"
  "$program" "$@"
}
export QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}"
run --version
run samples .
run coffee.png --screenshot window.png
test -s window.png
run reconstruct coffee.png astronaut.png -o cubes --max-pixels 5000 --jobs 2  # in processes of their own
for name in c.nc c.hdr c.mat c.tif c.zarr c.exr c.npy c.npz c.field c; do
  run export coffee.png -o "$name" --max-pixels 5000 --bands 8 $(test "$name" = c && echo --dtype uint16)
  run info "$name" > info.txt  # readers that may crash run in a process of their own
  grep -q "reconstructed by the model" info.txt
done
run c.field --screenshot field.png
test -s field.png
for file in "$@"; do
  run info "$file"
done
run spectrum colour_checker.h5 --at 40,40 --at 40,110 -o library.csv
run match coffee.png --at 120,64 --library library.csv
run classify colour_checker.h5 --library library.csv -o classes.geojson
run unmix colour_checker.h5 --library library.csv -o abundances.tif
run statistics colour_checker.h5 -o statistics.csv
run transect coffee.png --through 10,10 --through 90,200 -o transect.csv
run scatter b550 GLI coffee.png -o joint.csv
run compute '(b700 - b600) / (b700 + b600)' colour_checker.h5 -o index.tif
run components colour_checker.h5 -o components.tif
run cluster colour_checker.h5 -n 4 -o clusters.png
run plugins
echo 'The program works.'
