-- The documents that were not read to their end: asked for with every look at a feed.
CREATE INDEX document_reading ON document (feed) WHERE state = 'reading';
