using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Handwritten.Kernels.Tests")]
