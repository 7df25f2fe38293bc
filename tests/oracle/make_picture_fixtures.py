"""Small pictures as Pillow writes them: tests/fixtures/pictures. Needs Pillow."""

from pathlib import Path

from PIL import Image

folder = Path(__file__).parent.parent / "fixtures" / "pictures"
folder.mkdir(exist_ok=True)
stripes = Image.new("RGB", (48, 40))
for x in range(48):
    for y in range(40):
        stripes.putpixel((x, y), (255, 250, 240) if (x + y) // 6 % 2 else (5, 10, 20))
stripes.save(folder / "a zebra (in the sun), seen from the side.jpg", quality=90, progressive=True)
stripes.quantize(8).save(folder / "zebra.png")
stripes.convert("CMYK").save(folder / "zebra-cmyk.jpg")
data = (folder / "a zebra (in the sun), seen from the side.jpg").read_bytes()
(folder / "torn.jpg").write_bytes(data[: len(data) // 3])
