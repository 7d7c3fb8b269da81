"""AWS Rekognition, asked seldom: within a budget, only while it is switched on, with a breaker for its failures."""
