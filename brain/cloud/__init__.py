"""AWS Rekognition: called rarely, within a budget, only while switched on, and paused by a breaker when it fails."""
