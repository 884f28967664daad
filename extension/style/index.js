import './base.css';
import '../../nbflow/render/picture.css';
import './run.css';
import './history.css';
import './schedule.css';
