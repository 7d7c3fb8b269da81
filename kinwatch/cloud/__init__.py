"""The commands for Amazon Rekognition."""
