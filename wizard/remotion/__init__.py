"""Facts of Remotion: policies by release and partition, regions, names, project detection."""
