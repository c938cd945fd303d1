-- What verification looks for on a crop: a small picture of each reference (app/vision/local_features.py). It depends
-- on no encoder, and is made from the stored picture, so galleries that are there get it by the next import or re-embed.
ALTER TABLE reference_images ADD COLUMN features bytea CHECK (octet_length(features) <= 8192);
