"""AWS Rekognition, asked seldom: within a budget, only while it may be asked, and told what to do when it fails."""
