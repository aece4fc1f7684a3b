"""What pictures and clips say of themselves. Pure: bytes or an open file in, facts or a reason out."""
