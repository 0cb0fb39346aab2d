-- What a work is: image, video, audio or mesh. All that was made before are images.
ALTER TABLE pictures ADD COLUMN medium TEXT NOT NULL DEFAULT 'image';
CREATE INDEX pictures_by_medium ON pictures (medium, id) WHERE medium <> 'image';

-- The sha256 of a file that it is to be equal to, where that holds its content but nearly.
ALTER TABLE requests ADD COLUMN expects_file TEXT;
