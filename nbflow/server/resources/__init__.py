"""What each route answers: use cases asked, values put into the API's models."""
