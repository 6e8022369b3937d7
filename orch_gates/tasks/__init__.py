"""What people and workflows do with tasks: create, advance, explain (ENG-3, ENG-8)."""
