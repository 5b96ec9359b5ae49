import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.esmf.aspectmodel.generator.jsonschema.AspectModelJsonSchemaGenerator;
import org.eclipse.esmf.aspectmodel.loader.AspectModelLoader;
import org.eclipse.esmf.aspectmodel.resolver.FileSystemStrategy;
import org.eclipse.esmf.aspectmodel.urn.AspectModelUrn;
import org.eclipse.esmf.metamodel.Aspect;

/**
 * Writes the JSON Schemas of many aspects with the official generator, in one virtual machine.
 *
 * Standard input: a line per aspect of model root, URN and output file, parted by tabs. Standard
 * output: a line per aspect of URN, milliseconds, and the reason where it failed (else empty).
 */
public class Generate {

  private final Map<Path, AspectModelLoader> loaders = new HashMap<>();

  public static void main(String[] arguments) throws Exception {
    var generate = new Generate();
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      var words = line.split("\t");
      var start = System.nanoTime();
      var why = generate.attempt(Path.of(words[0]), words[1], Path.of(words[2]));
      var milliseconds = (System.nanoTime() - start) / 1e6;
      System.out.println(words[1] + "\t" + milliseconds + "\t" + why);
    }
  }

  private String attempt(Path root, String urn, Path output) {
    try {
      var schema = new AspectModelJsonSchemaGenerator(aspect(root, urn)).generateJson();
      Files.createDirectories(output.getParent());
      Files.writeString(output, schema);
      return "";
    } catch (Exception | StackOverflowError error) {
      return String.valueOf(error).replaceAll("\\s+", " ");
    }
  }

  private Aspect aspect(Path root, String urn) {
    var loader = loaders.computeIfAbsent(
        root, at -> new AspectModelLoader(new FileSystemStrategy(at)));
    return loader.load(AspectModelUrn.fromUrn(urn)).aspects().stream()
        .filter(aspect -> aspect.urn().toString().equals(urn))
        .findFirst()
        .orElseThrow();
  }
}
