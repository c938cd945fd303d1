"""What corrections make better, and what wrong ones make worse: ``python -m benchmarks.learning``.

Every card of a gallery of full-art cards is a foil in the photos, which its reference picture is not, and is
taken by a poor camera: twice, once to be corrected and once, held back, to be answered before and after.
"""
